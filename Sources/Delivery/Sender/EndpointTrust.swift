import NIOCore
import NIOSSL
import Secrets
import Storage

/// Whose certificates an endpoint takes, and which one it is shown; PEM texts.
package struct EndpointTrust: Sendable, Hashable {
    /// The authorities whose certificates are taken, in place of the system's; nil for the system's.
    package var authorities: String?
    /// The certificate that receivers are shown when they ask, with its chain; nil for none.
    package var certificate: String?
    /// The private key of ``certificate``, without a passphrase.
    package var key: Secret<String>?

    /// As the system has it, and nothing shown.
    package static let system = EndpointTrust()

    /// Says nothing yet.
    package init() {}

    /// What is wrong with one of the texts, in words for the user.
    package struct Fault: Error {
        /// Which of them.
        package enum Part: Sendable { case authorities, certificate, key }

        /// Which of them.
        package let part: Part
        /// One clause, without a full stop.
        package let reason: String
    }

    /// 32 KiB and ten certificates: a chain has three or four.
    package static let maximum = (bytes: 32 * 1_024, certificates: 10)

    /// Reads all three.
    ///
    /// - Throws: ``Fault``.
    package func check() throws(Fault) {
        try Self.checkCurves(authorities, .authorities)
        try Self.checkCurves(certificate, .certificate)
        _ = try context(roots: nil)
    }

    private static func checkCurves(_ text: String?, _ part: Fault.Part) throws(Fault) {
        guard let text, try certificates(text, part).contains(where: \.isOnNamelessCurve) else { return }
        throw Fault(
            part: part,
            reason: "its key is on an elliptic curve that is given by parameters; make one on a curve with a name")
    }

    /// Makes the TLS context; reads the system's authorities where those are meant, which takes some 20 ms.
    ///
    /// - Parameter roots: What is trusted where the endpoint names nobody; nil for nobody, which is enough for a check.
    /// - Returns: A context for clients.
    /// - Throws: ``Fault``.
    func context(roots: SystemTrust?) throws(Fault) -> NIOSSLContext {
        var configuration = (roots ?? SystemTrust(roots: nil, more: [])).configuration
        if let authorities {
            configuration.additionalTrustRoots = []
            configuration.trustRoots = .certificates(try Self.certificates(authorities, .authorities))
        } else if roots == nil {
            configuration.trustRoots = .certificates([])
        }
        if let certificate {
            configuration.certificateChain = try Self.certificates(certificate, .certificate).map { .certificate($0) }
        }
        if let key {
            guard certificate != nil else {
                throw Fault(part: .key, reason: "there is no certificate that it belongs to")
            }
            configuration.privateKey = .privateKey(try Self.privateKey(key.exposed))
        } else if certificate != nil {
            throw Fault(part: .key, reason: "the certificate needs its private key")
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Fault(
                part: key == nil ? .authorities : .key,
                reason: key == nil ? "the certificates cannot be used" : "it is not the key of the certificate")
        }
    }

    private static func privateKey(_ text: String) throws(Fault) -> NIOSSLPrivateKey {
        let (key, size): (NIOSSLPrivateKey, Int)
        let unreadable = Fault(part: .key, reason: "it is no private key in PEM without a passphrase")
        // NIOSSL unwraps the address of the bytes, and none have none.
        guard !text.isEmpty else { throw unreadable }
        do {
            key = try NIOSSLPrivateKey(bytes: Array(text.utf8), format: .pem)
            size = try key.derBytes.count
        } catch {
            throw unreadable
        }
        guard size <= largestKey else {
            throw Fault(
                part: .key, reason: "it is an RSA key of more than 4096 bits, with which each connection would be slow")
        }
        return key
    }

    /// In DER, where RSA with 4,096 bits has 2,350 bytes. Each connection signs on a thread that serves others, too: with 4,096 bits for
    /// some 5 ms, with 8,192 for 40.
    private static let largestKey = 2_400

    private static func certificates(_ text: String, _ part: Fault.Part) throws(Fault) -> [NIOSSLCertificate] {
        let found: [NIOSSLCertificate]
        do {
            found = try NIOSSLCertificate.fromPEMBytes(Array(text.utf8))
        } catch {
            throw Fault(
                part: part, reason: "it is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
        }
        guard !found.isEmpty, found.count <= maximum.certificates else {
            throw Fault(part: part, reason: "it must be one to \(maximum.certificates) certificates in PEM")
        }
        return found
    }
}

/// Whom the server trusts where a webhook says nothing.
package struct SystemTrust: Sendable {
    /// The authorities; nil for the system's own.
    private let roots: [NIOSSLCertificate]?
    /// What is trusted beside those.
    private let more: [NIOSSLCertificate]

    /// - Parameters:
    ///   - roots: Authorities in place of the system's, as `SSL_CERT_FILE` names them; nil for the system's.
    ///   - more: Authorities beside those.
    package init(roots: [NIOSSLCertificate]?, more: [NIOSSLCertificate]) {
        self.roots = roots
        self.more = more
    }

    /// Authorities of a file in PEM; nil when it has none.
    ///
    /// - Throws: `OperatorFile.Unreadable`.
    package static func authorities(inFile path: String) throws(OperatorFile.Unreadable) -> [NIOSSLCertificate]? {
        let bytes = try OperatorFile.contents(of: path, atMost: mostBytes)
        // What is wrong with it makes no difference to who reads the setting's error.
        guard let found = try? NIOSSLCertificate.fromPEMBytes(bytes), !found.isEmpty else { return nil }
        return found
    }

    /// 4 MiB: those of Debian have 250 KB.
    private static let mostBytes = 4 << 20

    /// From TLS 1.2 on; ``CertificateIdentity`` checks the host.
    package var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .noHostnameVerification
        if let roots { configuration.trustRoots = .certificates(roots) }
        configuration.additionalTrustRoots = [.certificates(more)]
        configuration.applicationProtocols = ["http/1.1"]
        // 250 ms: a receiver that never answers close_notify must not hold the socket for NIOSSL's five seconds.
        configuration.shutdownTimeout = .milliseconds(250)
        return configuration
    }
}
