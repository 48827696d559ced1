import Foundation
import NIOSSL

/// A certificate authority of a test's own, and certificates that it issues, made by the openssl command.
package struct TestAuthority: Sendable {
    /// What clients must trust.
    package let certificate: NIOSSLCertificate
    private let folder: String

    /// The path of what clients must trust.
    package var certificatePath: String { folder + "/ca.pem" }

    /// A certificate with its key, as PEM files.
    package struct Issued: Sendable {
        /// The path of the certificate.
        package let certificate: String
        /// The path of its key, without a passphrase.
        package let key: String

        /// What a server of NIO takes.
        ///
        /// - Parameters:
        ///   - asksForCertificate: Whether it takes only clients that show a certificate.
        ///   - clients: The authorities of clients' certificates; empty for the system's.
        ///   - maximum: The newest version of TLS that it speaks; nil is any.
        /// - Returns: A context with this certificate and key.
        /// - Throws: `NIOSSLError` when the files cannot be read.
        package func serverContext(
            asksForCertificate: Bool = false, trusting clients: [NIOSSLCertificate] = [], maximum: TLSVersion? = nil
        ) throws -> NIOSSLContext {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            if asksForCertificate { configuration.certificateVerification = .noHostnameVerification }
            if !clients.isEmpty { configuration.trustRoots = .certificates(clients) }
            configuration.minimumTLSVersion = .tlsv1
            configuration.maximumTLSVersion = maximum
            return try NIOSSLContext(configuration: configuration)
        }
    }

    /// Makes an authority whose files are in a new folder in `parent`.
    package init(in parent: String) async throws {
        folder = parent + "/authority-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await Self.openssl(
            ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test authority", "-days", "30"]
                + Self.key, in: folder)
        guard let certificate = try NIOSSLCertificate.fromPEMFile(folder + "/ca.pem").first else {
            throw OpenSSLFailure(description: "no certificate in \(folder)/ca.pem")
        }
        self.certificate = certificate
    }

    /// Issues a certificate.
    ///
    /// - Parameters:
    ///   - subjectAltName: What it is for.
    ///   - days: For how long it is valid from now on.
    /// - Returns: The files of the certificate and its key.
    /// - Throws: ``OpenSSLFailure``.
    package func issue(
        for subjectAltName: String = "DNS:receiver.test,IP:127.0.0.1", days: Int = 20
    ) async throws -> Issued {
        let name = UUID().uuidString
        try await Self.openssl(
            ["req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "\(name).key", "-out", "\(name).pem"]
                + ["-subj", "/CN=receiver", "-addext", "subjectAltName=\(subjectAltName)"]
                + ["-addext", "basicConstraints=critical,CA:FALSE", "-days", "\(days)"] + Self.key, in: folder)
        return Issued(certificate: "\(folder)/\(name).pem", key: "\(folder)/\(name).key")
    }

    /// Makes a certificate that no authority issued, whose key is on a curve that is given by its parameters.
    ///
    /// - Throws: ``OpenSSLFailure``.
    package static func nameless(in folder: String) async throws -> Issued {
        try await openssl(
            ["req", "-x509", "-subj", "/CN=nameless", "-keyout", "nameless.key", "-out", "nameless.pem"] + key
                + ["-pkeyopt", "ec_param_enc:explicit"], in: folder)
        return Issued(certificate: folder + "/nameless.pem", key: folder + "/nameless.key")
    }

    /// openssl did not do what a test needs.
    package struct OpenSSLFailure: Error, CustomStringConvertible {
        /// What it was asked for.
        package let description: String
    }

    private static let key = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]

    /// Runs openssl in `folder`.
    package static func openssl(_ arguments: [String], in folder: String) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        // Not `waitUntilExit`: blocked threads of the cooperative pool would age idle connections of other tests.
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else {
            throw OpenSSLFailure(description: "openssl \(arguments.joined(separator: " ")): status \(status)")
        }
    }
}
