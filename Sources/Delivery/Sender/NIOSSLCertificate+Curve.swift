import NIOSSL

extension NIOSSLCertificate {
    /// Whether its key is on an elliptic curve that is described by its parameters: TLS takes curves with a name only (RFC 5480,
    /// section 2.1.1), and with such a certificate it fails without saying why.
    package var isOnNamelessCurve: Bool {
        // What cannot be written is refused where it is used.
        guard let bytes = try? toDERBytes() else { return false }
        return bytes.firstRange(of: Self.ellipticKeyWithParameters) != nil
    }

    /// The identifier of keys on elliptic curves, in DER, with a sequence behind it; the name of a curve is an identifier.
    private static let ellipticKeyWithParameters: [UInt8] = [
        0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x30,
    ]
}
