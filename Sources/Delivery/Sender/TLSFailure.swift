import NIOSSL

/// Says in words why TLS failed, and what to do about it.
enum TLSFailure {
    /// A reason that a receiver's owner meets.
    private struct Cause {
        /// What the library's words for it contain; the first cause that matches counts.
        let signs: [String]
        /// One clause, without a full stop.
        let detail: String
        /// One sentence.
        let hint: String
    }

    private static let install =
        "Install a valid certificate for this host name, complete with its chain, or give the webhook its authority."
    private static let wrongPort = "Begin the callback URL with http://, or name the port that speaks TLS."
    private static let oldTLS = "Enable TLS 1.2 or 1.3 at the receiver."
    private static let otherHost =
        "Install a certificate that names the host of the callback URL; its IP address there does not count."
    private static let clientCertificate =
        "Give the webhook a client_certificate and its client_key, or let the receiver verify the JWT instead."
    private static let refused = "Look for the handshake in the receiver's log."

    private static let causes = [
        Cause(
            signs: ["CERTIFICATE_VERIFY_FAILED"],
            detail: "the certificate is self-signed, expired or not issued by a trusted authority", hint: install),
        Cause(
            signs: ["WRONG_VERSION_NUMBER", "HTTP_REQUEST"], detail: "the receiver does not speak TLS on this port",
            hint: wrongPort),
        Cause(
            signs: ["UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION"],
            detail: "the receiver offers only TLS versions before 1.2", hint: oldTLS),
        Cause(
            signs: ["UNRECOGNIZED_NAME"], detail: "the receiver does not know this host name",
            hint: "Add the host of the callback URL to the receiver's configuration, or correct the URL."),
        Cause(
            // Before TLS 1.3 there is no alert of its own for it; a client without a certificate has no bad one.
            signs: ["CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_NO_CERTIFICATE"],
            detail: "the receiver asks for a client certificate", hint: clientCertificate),
        Cause(
            signs: ["HANDSHAKE_FAILURE"],
            detail: "the receiver refused the handshake: it may ask for a client certificate, or share no cipher",
            hint: "Check whether the receiver asks for a client certificate, and the webhook has the right one."),
    ]

    private static let mismatch = Cause(
        signs: [], detail: "the certificate is for another host name", hint: otherHost)
    private static let ended = Cause(
        signs: [], detail: "the receiver closed the connection during the handshake", hint: refused)
    private static let exceeded = Cause(
        signs: [],
        detail: "the receiver sent more than \(SenderLimits.ciphertextBytes >> 10) KiB of TLS records for one answer",
        hint: "Let it send fewer session tickets, and a shorter chain of certificates.")
    private static let otherHintSign = "the TLS handshake failed"

    /// One clause for the user, without a full stop.
    static func detail(_ error: (any Error)?) -> String {
        guard let error else { return ended.detail }
        if error is CertificateIdentity.Mismatch { return mismatch.detail }
        if error is CiphertextBound.Exceeded { return exceeded.detail }
        if let extra = error as? NIOSSLExtraError { return "\(extra)" }
        let text = "\(error)"
        return causes.first { $0.signs.contains(where: text.contains) }?.detail
            ?? "\(otherHintSign): \(text.prefix(200))"
    }

    /// What to do about a failure with this ``detail(_:)``; nil for one of another version.
    static func hint(forDetail detail: String) -> String? {
        if detail.hasPrefix(otherHintSign) { return refused }
        return (causes + [mismatch, ended, exceeded]).first { $0.detail == detail }?.hint
    }

    /// Whether TLS itself ended the connection, not the receiver's closing of it.
    static func isOne(_ error: (any Error)?) -> Bool {
        switch error {
        case NIOSSLError.uncleanShutdown?: false
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError, is CiphertextBound.Exceeded: true
        default: false
        }
    }
}
