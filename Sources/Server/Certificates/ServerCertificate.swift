import NIOSSL
import Timestamps

/// A certificate with its chain and key, which fit each other.
struct ServerCertificate: Sendable {
    /// From the server's own up to the last intermediate.
    let chain: [NIOSSLCertificate]
    private let key: NIOSSLPrivateKey
    /// From when on every certificate of the chain is valid.
    let validFrom: Timestamp
    /// Until when every certificate of the chain is valid.
    let validUntil: Timestamp

    /// - Parameters:
    ///   - leaf: The first of `chain`.
    ///   - chain: What is sent to clients.
    ///   - key: The key of `leaf`.
    init(leaf: NIOSSLCertificate, chain: [NIOSSLCertificate], key: NIOSSLPrivateKey) {
        self.chain = chain
        self.key = key
        let time = { (seconds: Int) in Timestamp(seconds: Int64(seconds)) }
        validFrom = time(chain.map(\.notValidBefore).max() ?? leaf.notValidBefore)
        validUntil = time(chain.map(\.notValidAfter).min() ?? leaf.notValidAfter)
    }

    /// What the server speaks: HTTP/1.1 over TLS 1.2 or 1.3.
    var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }

    /// What a handshake uses in place of the certificate that the server was started with.
    var override: NIOSSLContextConfigurationOverride {
        var override = NIOSSLContextConfigurationOverride()
        override.certificateChain = chain.map { .certificate($0) }
        override.privateKey = .privateKey(key)
        return override
    }

    /// Whether clients accept it by its dates.
    enum Validity: Hashable, Sendable {
        case notYet
        case valid
        /// Less than ``ServerCertificate/notice`` is left.
        case endsSoon(days: Int)
        case expired
    }

    /// Whether clients accept it at `now`.
    func validity(at now: Timestamp) -> Validity {
        Self.validity(from: validFrom, until: validUntil, at: now)
    }

    /// Decides on ``Validity``; both ends belong to the time in which a certificate is valid (RFC 5280, 4.1.2.5).
    static func validity(from: Timestamp, until: Timestamp, at now: Timestamp) -> Validity {
        if now < from { return .notYet }
        if now > until { return .expired }
        let left = until - now
        return left < notice ? .endsSoon(days: Int(left.components.seconds / 86_400)) : .valid
    }

    /// 14 days: programs that renew certificates of 90 days do it 30 days before the end, so something is wrong.
    static let notice: Duration = .seconds(14 * 86_400)
}
