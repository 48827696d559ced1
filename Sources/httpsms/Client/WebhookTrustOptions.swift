import ArgumentParser
import Client
import Foundation

/// Whose certificate the receiver of a webhook has, and which one it is shown.
struct WebhookTrustOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A PEM file with the authorities whose certificates are accepted of the receiver; '' for the public ones.",
            valueName: "file"),
        completion: .file())
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            "A PEM file with the certificate that the receiver is shown, and its chain; '' for none.", valueName: "file"
        ),
        completion: .file())
    var clientCertificate: String?

    @Option(
        help: ArgumentHelp("A PEM file with its private key, without a passphrase.", valueName: "file"),
        completion: .file())
    var clientKey: String?

    /// What is asked for.
    func trust() throws -> WebhookTrust {
        WebhookTrust(
            authorities: try Self.read(caFile), certificate: try Self.read(clientCertificate),
            key: try Self.read(clientKey))
    }

    private static func read(_ path: String?) throws -> String? {
        guard let path, !path.isEmpty else { return path }
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ValidationError("the file \(path) cannot be read as text")
        }
    }
}
