import Delivery
import Foundation
import Gateway
import NIOSSL
import Storage

/// The PEM files that TLS_CERTIFICATE and TLS_KEY name.
package struct CertificateFiles: Hashable, Sendable {
    /// Where the certificate is, followed by those that it was issued by.
    let certificate: String
    /// Where its private key is, without a passphrase.
    let key: String

    /// Nil when neither is set: then the server speaks HTTP.
    ///
    /// - Throws: ``ConfigurationError`` when only one is set.
    init?(certificate: String?, key: String?) throws(ConfigurationError) {
        switch (certificate, key) {
        case (let certificate?, let key?):
            self.certificate = certificate
            self.key = key
        case (nil, nil): return nil
        case (_, nil):
            throw ConfigurationError(variable: "TLS_KEY", expected: "the path of a PEM file, as TLS_CERTIFICATE is set")
        case (nil, _):
            throw ConfigurationError(variable: "TLS_CERTIFICATE", expected: "the path of a PEM file, as TLS_KEY is set")
        }
    }

    /// Reads both files and checks that they belong together; blocks.
    ///
    /// - Throws: ``CertificateError``, which names the variable.
    func load() throws(CertificateError) -> ServerCertificate {
        let chainBytes = try Self.read(certificate, "TLS_CERTIFICATE")
        let keyBytes = try Self.read(key, "TLS_KEY")
        // What these two say is about the internals of BoringSSL; the file's name says more.
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(chainBytes), let leaf = chain.first else {
            throw CertificateError(
                description: "TLS_CERTIFICATE names \(certificate), which holds no certificate in PEM")
        }
        guard chain.count <= Self.longestChain else {
            throw CertificateError(
                description: """
                    TLS_CERTIFICATE names \(certificate), which holds \(chain.count) certificates: put your own into it, and \
                    those that it was issued by, at most \(Self.longestChain)
                    """)
        }
        guard !chain.contains(where: \.isOnNamelessCurve) else {
            throw CertificateError(
                description: """
                    TLS_CERTIFICATE names \(certificate), whose key is on an elliptic curve that is given by parameters: make \
                    one on a curve with a name
                    """)
        }
        // NIOSSL unwraps the address of the bytes, and none have none.
        guard !keyBytes.isEmpty, let privateKey = try? NIOSSLPrivateKey(bytes: keyBytes, format: .pem) else {
            throw CertificateError(
                description: "TLS_KEY names \(key), which holds no private key in PEM, or one with a passphrase")
        }
        let loaded = ServerCertificate(leaf: leaf, chain: chain, key: privateKey)
        guard (try? NIOSSLContext(configuration: loaded.configuration)) != nil else {
            throw CertificateError(
                description: "TLS_KEY names \(key), which is not the key of the first certificate in \(certificate)")
        }
        return loaded
    }

    /// Certificates in a chain. A real one has three or four, and each client is sent all of them.
    private static let longestChain = 10

    /// What tells whether the files were changed; follows links, as certbot changes those. Blocks.
    var stamp: [Stamp?] { [Stamp(certificate), Stamp(key)] }

    /// What the system says of a file.
    struct Stamp: Hashable, Sendable {
        private let file: UInt64
        private let size: Int64
        private let seconds: Int
        private let nanoseconds: Int

        /// Nil when there is no such file.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            file = UInt64(status.st_ino)
            size = Int64(status.st_size)
            #if canImport(Darwin)
                let changed = status.st_mtimespec
            #else
                let changed = status.st_mtim
            #endif
            seconds = Int(changed.tv_sec)
            nanoseconds = Int(changed.tv_nsec)
        }
    }

    private static func read(_ path: String, _ variable: String) throws(CertificateError) -> [UInt8] {
        do throws(OperatorFile.Unreadable) {
            return try OperatorFile.contents(of: path)
        } catch {
            throw CertificateError(description: "\(variable) \(error)")
        }
    }
}

/// Why there is no certificate to serve with, in words for the operator.
package struct CertificateError: Error, CustomStringConvertible {
    /// The variable, the file, and what is wrong with it.
    package let description: String
}
