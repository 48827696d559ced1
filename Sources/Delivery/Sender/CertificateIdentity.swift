import NIOCore
import NIOSSL

/// Whether a certificate is for the host that was meant, as RFC 9525 has it. The chain is the library's business.
///
/// NIOSSL 2.37.6 (`IdentityVerification.swift`) does not do for this: beside the host name it compares every `iPAddress`
/// of the certificate with the address that was dialled, so whoever forges a DNS answer towards this machine passes with
/// a certificate for an address of their own. It also takes the common name, `*` for a part of a label, and no name with
/// an underscore. Contexts of clients are therefore made with `.noHostnameVerification`, and every client checks here
/// before it writes a byte of a request.
///
/// | host | certificate | |
/// |---|---|---|
/// | `sms.example.com` | `dNSName` `sms.example.com`, `SMS.example.com.` or `*.example.com` | passes |
/// | `a.b.example.com`, `example.com` | `*.example.com` | refused: the asterisk is one whole label |
/// | `sms.example.com` | `s*.example.com`, `sms.*.com`, `*.com`, `*` | refused, as curl does |
/// | `my_host.example.com` | `my_host.example.com`, `*.example.com` | passes, as in curl |
/// | `sms.example.com` | `iPAddress` of its address, or the common name only | refused |
/// | `192.0.2.1` | `iPAddress` `192.0.2.1` | passes; a `dNSName` of that text does not |
package enum CertificateIdentity {
    /// The certificate is for another host, or there is none.
    package struct Mismatch: Error, Hashable, CustomStringConvertible {
        /// What was asked for.
        package let host: String

        package var description: String { "the certificate is for another host name than \(host)" }
    }

    /// Checks what the peer showed in its handshake. On the channel's event loop only.
    ///
    /// - Parameters:
    ///   - host: The host of the URL: a name, or an address without brackets.
    ///   - channel: A channel whose handshake is complete.
    /// - Throws: ``Mismatch``; also when the channel does not speak TLS at all.
    package static func check(_ host: String, of channel: any Channel) throws {
        // Without a handler of TLS there is no certificate, and nothing to trust.
        let handler = try? channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        guard let certificate = handler?.peerCertificate, matches(certificate, host: host) else {
            throw Mismatch(host: host)
        }
    }

    /// Whether the certificate is for a host: a name, or an address without brackets.
    package static func matches(_ certificate: NIOSSLCertificate, host: String) -> Bool {
        let names = certificate._subjectAlternativeNames()
        if let address = IPAddress(host) {
            let bytes = address.bytes
            return names.contains { $0.nameType == .ipAddress && $0.contents.elementsEqual(bytes) }
        }
        return names.contains { $0.nameType == .dnsName && matches(pattern: Array($0.contents), host: host) }
    }

    /// Whether a `dNSName` covers a host name.
    static func matches(pattern: [UInt8], host: String) -> Bool {
        let pattern = canonical(pattern)
        let host = canonical(Array(host.utf8))
        guard !host.isEmpty, !host.contains(asterisk) else { return false }
        guard pattern.starts(with: [asterisk, period]) else { return pattern.elementsEqual(host) }
        let parent = pattern.dropFirst(2)
        // Nobody is the owner of a whole top-level domain.
        guard parent.contains(period), !parent.contains(asterisk) else { return false }
        guard let end = host.firstIndex(of: period), end > host.startIndex else { return false }
        return host[(end + 1)...].elementsEqual(parent)
    }

    /// Lower case, without the period of the root.
    private static func canonical(_ name: [UInt8]) -> ArraySlice<UInt8> {
        let lower = name.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        return lower.last == period ? lower.dropLast() : lower[...]
    }

    private static let asterisk = UInt8(ascii: "*")
    private static let period = UInt8(ascii: ".")
}
