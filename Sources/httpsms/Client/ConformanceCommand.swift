import ArgumentParser
import Client
import Foundation

struct ConformanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance",
        abstract: "Test a receiver of webhooks with genuine and forged requests.",
        discussion: """
            Sends genuine events, duplicates, and requests that must be refused. The page Recipes (docs/recipes.md) \
            says what a receiver has to do, and what it writes to the file of --handled-log. Ends with 0 when all \
            checks passed, 1 when one failed, 2 when an option is wrong, 3 when nobody answers.

            Example:
              httpsms webhook conformance --url http://localhost:3000/hook
            """)

    @Option(help: "Where the receiver listens.")
    var url: String

    @Option(help: "The signing key that the receiver has [HTTPSMS_SIGNING_KEY]")
    var signingKey: String?

    @Option(help: "The callback URL that the receiver expects as aud (default: the value of --url)")
    var audience: String?

    @Option(help: "The passphrase that the receiver decrypts with [HTTPSMS_ENCRYPTION_KEY] (default: Password123)")
    var encryptionKey: String?

    @Option(help: "The file that the receiver writes what it handled to (default: only answers are judged)")
    var handledLog: String?

    @Option(help: "Checks, separated by commas; all, accepted and refused stand for many (default: all)")
    var checks: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let signingKey = signingKey ?? environment["HTTPSMS_SIGNING_KEY"] else {
            throw ClientFailure(.usage, "give --signing-key or set HTTPSMS_SIGNING_KEY: the key that the receiver has")
        }
        // An unset variable of a script's is not a passphrase.
        let passphrases = [encryptionKey, environment["HTTPSMS_ENCRYPTION_KEY"]].compactMap(\.self)
        let report = try await Conformance.run(
            Conformance.Options(
                url: url, signingKey: signingKey, audience: audience,
                passphrase: passphrases.first { !$0.isEmpty } ?? "Password123",
                handledLog: handledLog, checks: try ConformanceCheck.parse(checks ?? "all")))
        Terminal.write(json ? report.json + "\n" : report.table)
        if report.failures > 0 { throw ExitCode(1) }
    }
}
