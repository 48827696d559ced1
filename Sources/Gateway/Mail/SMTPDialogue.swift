import Foundation

/// One conversation with a mail server (RFC 5321) that hands in one e-mail: a value, which is told replies and says what to do.
struct SMTPDialogue: Sendable {
    /// What to do next.
    enum Action: Sendable, Equatable {
        /// Write this.
        case write(String)
        /// Begin TLS; the dialogue goes on by ``secured()``.
        case startTLS
        /// The mail was taken: say goodbye and close.
        case done(String)
    }

    /// Why the mail was not taken.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let description: String
        /// Whether another try is pointless.
        var isFinal = false
    }

    private enum Step {
        case greeting, hello, startTLS, password, login(user: Bool), sender, recipient, data, text, over
    }

    private let server: MailServer
    private let recipient: String
    private let text: String
    private var step = Step.greeting
    private var isSecured: Bool

    /// Begins before the server's greeting.
    init(server: MailServer, recipient: String, text: String) {
        self.server = server
        self.recipient = recipient
        self.text = text
        isSecured = server.security == .implicit
    }

    /// Takes a whole reply: its code, and its lines without codes.
    mutating func receive(_ code: Int, _ lines: [String]) throws(Failure) -> Action {
        switch step {
        case .greeting:
            try expect(code, 220, lines)
            return hello()
        case .hello:
            try expect(code, 250, lines)
            let words = lines.dropFirst().map { $0.uppercased().split(separator: " ").map(String.init) }
            if server.security == .startTLS, !isSecured {
                guard words.contains(where: { $0.first == "STARTTLS" }) else {
                    throw Failure(description: "the mail server offers no TLS")
                }
                step = .startTLS
                return .write("STARTTLS\r\n")
            }
            return try identify(words.first { $0.first == "AUTH" }.map { Array($0.dropFirst()) } ?? [])
        case .startTLS:
            try expect(code, 220, lines)
            return .startTLS
        case .password:
            try expect(code, 235, lines)
            return mailFrom()
        case .login(let isUser):
            try expect(code, 334, lines)
            step = isUser ? .login(user: false) : .password
            return .write(Self.base64(isUser ? server.user ?? "" : server.password ?? "") + "\r\n")
        case .sender:
            try expect(code, 250, lines)
            step = .recipient
            return .write("RCPT TO:<\(recipient)>\r\n")
        case .recipient:
            guard code == 250 || code == 251 else { throw failure(code, lines, isFinal: (500..<600).contains(code)) }
            step = .data
            return .write("DATA\r\n")
        case .data:
            try expect(code, 354, lines)
            step = .text
            return .write(Self.stuffed(text) + ".\r\n")
        case .text:
            try expect(code, 250, lines)
            step = .over
            return .done("QUIT\r\n")
        case .over: throw Failure(description: "the mail server goes on after the end")
        }
    }

    /// TLS stands, and the server is the one that was meant: what it said before does not count.
    mutating func secured() -> Action {
        isSecured = true
        return hello()
    }

    private mutating func hello() -> Action {
        step = .hello
        let name = server.sender.split(separator: "@").last.map(String.init) ?? "localhost"
        return .write("EHLO \(name)\r\n")
    }

    private mutating func identify(_ methods: [String]) throws(Failure) -> Action {
        guard let user = server.user, let password = server.password else { return mailFrom() }
        if methods.contains("PLAIN") {
            step = .password
            return .write("AUTH PLAIN \(Self.base64("\0\(user)\0\(password)"))\r\n")
        }
        guard methods.contains("LOGIN") else {
            throw Failure(description: "the mail server takes no password by PLAIN or LOGIN")
        }
        step = .login(user: true)
        return .write("AUTH LOGIN\r\n")
    }

    private mutating func mailFrom() -> Action {
        step = .sender
        return .write("MAIL FROM:<\(server.sender)>\r\n")
    }

    private func expect(_ code: Int, _ expected: Int, _ lines: [String]) throws(Failure) {
        if code != expected { throw failure(code, lines) }
    }

    private func failure(_ code: Int, _ lines: [String], isFinal: Bool = false) -> Failure {
        var words = lines.first?.prefix(200) ?? ""
        switch step {
        // Some servers repeat what they were sent: a password, or a letter with a link. What is left is a code (RFC 3463).
        case .login, .password, .text: words = words.prefix { "0123456789.".contains($0) }
        default: break
        }
        return Failure(
            description: "the mail server answered \(code)\(words.isEmpty ? "" : " ")\(words)", isFinal: isFinal)
    }

    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// Lines that begin with a dot get another one (RFC 5321, 4.5.2); the last ends like all others.
    private static func stuffed(_ text: String) -> String {
        let lines = text.components(separatedBy: "\r\n").map { $0.hasPrefix(".") ? "." + $0 : $0 }
        let joined = lines.joined(separator: "\r\n")
        return joined.hasSuffix("\r\n") ? joined : joined + "\r\n"
    }
}

/// Cuts what a mail server says into replies: `250-first`, `250 last`. Bounded in the length of a line and of a reply.
struct SMTPReplies: Sendable {
    private var line: [UInt8] = []
    private var code: Int?
    private var lines: [String] = []

    /// 2 KiB a line and 100 lines, where the standard has 512 bytes.
    private static let most = (bytes: 2 * 1_024, lines: 100)

    /// Takes bytes as they come; gives the replies that they end.
    mutating func receive(_ bytes: some Sequence<UInt8>) throws(SMTPDialogue.Failure) -> [(code: Int, lines: [String])]
    {
        var replies: [(code: Int, lines: [String])] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                if line.count > Self.most.bytes {
                    throw SMTPDialogue.Failure(description: "a line of the mail server is too long")
                }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            let text = String(decoding: line, as: UTF8.self)
            line = []
            let digits = text.utf8.prefix(3)
            guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(String(decoding: digits, as: UTF8.self)), code == nil || code == number
            else { throw SMTPDialogue.Failure(description: "what answers does not speak SMTP") }
            let rest = String(decoding: text.utf8.dropFirst(3), as: UTF8.self)
            lines.append(String(rest.unicodeScalars.dropFirst()))
            code = number
            if rest.hasPrefix("-") {
                if lines.count > Self.most.lines {
                    throw SMTPDialogue.Failure(description: "a reply of the mail server is too long")
                }
                continue
            }
            replies.append((number, lines))
            (code, lines) = (nil, [])
        }
        return replies
    }

    /// Whether nothing was begun and not ended.
    var isEmpty: Bool { line.isEmpty && code == nil }
}
