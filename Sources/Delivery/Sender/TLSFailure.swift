import NIOSSL

/// Says in words why TLS failed.
enum TLSFailure {
    /// BoringSSL's reason codes that a receiver's owner meets, and what they mean.
    private static let meanings = [
        ("CERTIFICATE_VERIFY_FAILED", "the certificate is self-signed, expired or not issued by a trusted authority"),
        ("WRONG_VERSION_NUMBER", "the receiver does not speak TLS on this port"),
        ("HTTP_REQUEST", "the receiver does not speak TLS on this port"),
        ("UNSUPPORTED_PROTOCOL", "the receiver offers only TLS versions before 1.2"),
        ("PROTOCOL_VERSION", "the receiver offers only TLS versions before 1.2"),
        ("UNRECOGNIZED_NAME", "the receiver does not know this host name"),
        ("CERTIFICATE_REQUIRED", "the receiver asks for a client certificate"),
        ("HANDSHAKE_FAILURE", "the receiver refused the handshake"),
    ]

    /// One clause for the user, without a full stop.
    static func detail(_ error: (any Error)?) -> String {
        guard let error else { return "the receiver closed the connection during the handshake" }
        if error is CertificateIdentity.Mismatch { return "the certificate is for another host name" }
        if let extra = error as? NIOSSLExtraError { return "\(extra)" }
        let text = "\(error)"
        return meanings.first { text.contains($0.0) }?.1 ?? "the TLS handshake failed: \(text.prefix(200))"
    }
}
