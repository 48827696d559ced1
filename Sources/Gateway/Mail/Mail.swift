import Delivery
import Foundation
import NIOSSL
import Storage
import Timestamps

typealias MailID = ID<Mail>

/// An e-mail that waits to be sent.
struct Mail: Sendable, Hashable {
    let id: MailID
    let recipient: String
    let subject: String
    /// Plain text.
    let body: String

    /// The message as it is sent (RFC 5322): UTF-8 in base64, so that no line is too long and none begins with a dot.
    func text(from sender: String, at now: Timestamp) -> String {
        let domain = sender.split(separator: "@").last.map(String.init) ?? "localhost"
        let lines: Data.Base64EncodingOptions = [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ]
        return [
            "From: httpSMS <\(sender)>", "To: <\(recipient)>", "Subject: \(Self.encodedWords(subject))",
            "Date: \(Self.date(now))", "Message-ID: <\(id)@\(domain)>", "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "",
            Data(body.utf8).base64EncodedString(options: lines),
            "",
        ].joined(separator: "\r\n")
    }

    /// Whether `text` can stand between the brackets of a command: ASCII without what would end it.
    static func isAddress(_ text: String) -> Bool {
        text.utf8.count <= 254 && text.split(separator: "@", omittingEmptySubsequences: false).count == 2
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
    }

    /// Text of a header in encoded words (RFC 2047), 45 bytes each, which are less than 75 characters.
    private static func encodedWords(_ text: String) -> String {
        var words: [[UInt8]] = [[]]
        for scalar in text.unicodeScalars.prefix(200) {
            let bytes = Array(String(scalar.properties.generalCategory == .control ? " " : scalar).utf8)
            if (words.last?.count ?? 0) + bytes.count > 45 { words.append([]) }
            words[words.count - 1] += bytes
        }
        return words.map { "=?utf-8?B?\(Data($0).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    private static func date(_ time: Timestamp) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
        return formatter.string(from: Date(timeIntervalSince1970: Double(time.seconds)))
    }
}

/// Where e-mail is handed in, as the operator names it.
package struct MailServer: Sendable {
    /// How the connection is kept secret.
    enum Security: Sendable {
        /// TLS from the first byte.
        case implicit
        /// TLS is asked for, and nothing is sent before it stands.
        case startTLS
        /// Nothing: only to this machine.
        case none
    }

    let host: String
    let port: Int
    let security: Security
    let user: String?
    let password: String?
    /// Whom e-mail is from.
    let sender: String
    /// Whose certificates are taken.
    private let trust: SystemTrust

    /// Whether e-mail can be from, or to, `text`.
    package static func isAddress(_ text: String) -> Bool { Mail.isAddress(text) }

    /// Reads `smtps://user:password@host:465` or `smtp://user:password@host:587`; to this machine itself the latter goes without TLS
    /// where no port of submission is named.
    ///
    /// - Returns: Nil when the text is none, or `sender` is no address.
    package init?(_ text: String, from sender: String, trust: SystemTrust) {
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty, parts.path.count <= 1,
            parts.query == nil, parts.fragment == nil, Mail.isAddress(sender)
        else { return nil }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.sender = sender
        self.trust = trust
        let isHere = ["127.0.0.1", "::1", "localhost"].contains(self.host)
        switch parts.scheme?.lowercased() {
        case "smtps":
            security = .implicit
            port = parts.port ?? 465
        case "smtp":
            port = parts.port ?? (isHere ? 25 : 587)
            security = isHere && parts.user == nil ? .none : .startTLS
        default: return nil
        }
        guard (1...65_535).contains(port) else { return nil }
        user = parts.user
        password = parts.password
        guard (user == nil) == (password == nil) else { return nil }
        guard [user, password].compactMap(\.self).allSatisfy({ !$0.utf8.contains(0) }) else { return nil }
    }
}

extension MailServer {
    /// From TLS 1.2 on; the host is checked by `CertificateIdentity`. Reads the authorities, which takes some 20 ms.
    var tls: TLSConfiguration {
        var configuration = trust.configuration
        configuration.applicationProtocols = []
        return configuration
    }
}
