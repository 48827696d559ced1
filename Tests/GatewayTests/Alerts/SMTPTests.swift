import Delivery
import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// E-mail to a mail server of aiosmtpd, and to some that misbehave.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SMTPTests {
    /// The server has 30 s to answer; a busy machine alone costs seconds.
    private static let slack = Duration.seconds(15)

    private static func mail(to recipient: String = "ann@example.com") -> Mail {
        Mail(
            id: MailID(at: SystemClock().now()), recipient: recipient,
            subject: "Phone “Büro”\r\nBcc: eve@example.com is offline",
            body: "First line\r\n.\r\n..two dots, and a long one " + String(repeating: "x", count: 2_000) + " – end")
    }

    private static func client(_ url: String, trusting authority: TestAuthority? = nil) throws -> SMTPClient {
        let server = try #require(
            MailServer(
                url, from: "sms@example.com",
                trust: SystemTrust(roots: nil, more: authority.map { [$0.certificate] } ?? [])))
        return SMTPClient(server: server, resolver: try SystemResolver())
    }

    @Test(arguments: ["plain", "starttls", "implicit"]) func aMailServerTakesWhatWasWritten(mode: String) async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let issued = try await authority.issue()
            try await MailReceiver.run(in: folder, mode, issued) { receiver in
                let scheme = mode == "implicit" ? "smtps" : "smtp"
                let user = mode == "plain" ? "" : "user:p%40ss%20word@"
                let client = try Self.client("\(scheme)://\(user)127.0.0.1:\(receiver.port)", trusting: authority)
                let mail = Self.mail()

                try await client.send(mail)

                let taken = try #require(try receiver.mails().first)
                #expect(taken["from"] == "sms@example.com" && taken["to"] == ["ann@example.com"])
                #expect(taken["subject"].string == "Phone “Büro”  Bcc: eve@example.com is offline")
                #expect(taken["header_to"] == "ann@example.com")
                #expect(
                    taken["body"].string.trimmingCharacters(in: .newlines).replacing("\r\n", with: "\n")
                        == mail.body.replacing("\r\n", with: "\n"))
                #expect(taken["encrypted"] == .bool(mode != "plain"))
                #expect(taken["authenticated"] == .bool(mode != "plain"))
                await #expect(throws: MailSender.Refused.self) {
                    try await client.send(Self.mail(to: "nobody@example.com"))
                }
                await #expect(throws: SMTPDialogue.Failure.self) {
                    try await client.send(Self.mail(to: "later@example.com"))
                }
            }
        }
    }

    @Test func anImpostorLearnsNothing() async throws {
        try await withTemporaryDirectory { folder in
            let (authority, other) = (try await TestAuthority(in: folder), try await TestAuthority(in: folder))
            let cases = [
                (try await other.issue(), "127.0.0.1"), (try await authority.issue(for: "DNS:other.test"), "127.0.0.1"),
            ]
            for (issued, host) in cases {
                for (mode, scheme) in [("starttls", "smtp"), ("implicit", "smtps")] {
                    try await MailReceiver.run(in: folder, mode, issued) { receiver in
                        let client = try Self.client(
                            "\(scheme)://user:p%40ss%20word@\(host):\(receiver.port)", trusting: authority)
                        await #expect(throws: (any Error).self) { try await client.send(Self.mail()) }
                        #expect(try receiver.mails().isEmpty)
                    }
                }
            }
        }
    }

    @Test(arguments: [
        ("220 hello\r\n", "the mail server offers no TLS"),
        ("554 go away\r\n", "the mail server answered 554 go away"),
        ("HTTP/1.1 400 Bad Request\r\n", "what answers does not speak SMTP"),
        ("220-" + String(repeating: "x", count: 3_000), "a line of the mail server is too long"),
        (String(repeating: "220-x\r\n", count: 200), "a reply of the mail server is too long"),
        (
            "220 hello\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n",
            "the mail server sent more than its answer before TLS"
        ),
    ])
    func aServerThatMisbehavesGetsNoPassword(greeting: String, reason: String) async throws {
        try await RawReceiver.run(
            answersConnections: true,
            script: { peer in
                peer.write(greeting)
                if greeting == "220 hello\r\n" { peer.write("250-x\r\n250 SIZE\r\n") }
            }
        ) { _, port in
            let client = try Self.client("smtp://user:secret@127.0.0.1:\(port)")

            await #expect(throws: SMTPDialogue.Failure(description: reason)) { try await client.send(Self.mail()) }
        }
    }

    @Test func aPasswordOrALetterThatAServerRepeatsIsInNoError() throws {
        let trust = SystemTrust(roots: nil, more: [])
        for (method, code) in [("PLAIN", 235), ("LOGIN", 334)] {
            let server = try #require(
                MailServer("smtps://user:secret@mail.example.com", from: "sms@example.com", trust: trust))
            var dialogue = SMTPDialogue(server: server, recipient: "ann@example.com", text: "link")
            func refuse(_ code: Int, _ text: String, _ dialogue: SMTPDialogue) {
                #expect(throws: SMTPDialogue.Failure(description: "the mail server answered \(code) 5.7.8")) {
                    var dialogue = dialogue
                    _ = try dialogue.receive(code, ["5.7.8 unrecognized: \(text)"])
                }
            }
            _ = try dialogue.receive(220, ["hello"])
            _ = try dialogue.receive(250, ["hello", "AUTH \(method)"])
            refuse(535, "AUTH PLAIN AHVzZXIAc2VjcmV0", dialogue)
            var replies = [code]
            if method == "LOGIN" { replies += [334, 235] }
            for reply in replies {
                _ = try dialogue.receive(reply, [""])
                if reply == 334 { refuse(535, "c2VjcmV0", dialogue) }
            }
            for reply in [250, 250, 354] { _ = try dialogue.receive(reply, ["go on"]) }
            refuse(554, "https://sms.example.com/password?token=secret", dialogue)
        }
    }

    @Test(arguments: ["smtp", "smtps"])
    func cancellationEndsTheWaitForAServerThatSaysNothing(scheme: String) async throws {
        try await RawReceiver.run(script: { _ in }) { receiver, port in
            let client = try Self.client("\(scheme)://127.0.0.1:\(port)")
            let sending = Task { try await client.send(Self.mail()) }
            try await until("the connection stands") { receiver.openConnections == 1 }
            let cancelled = ContinuousClock.now

            sending.cancel()

            await #expect(throws: CancellationError.self) { try await sending.value }
            #expect(ContinuousClock.now - cancelled < Self.slack)
            try await until("the connection is closed") { receiver.openConnections == 0 }
        }
    }

    @Test func cancellationEndsTheWaitForAConnection() async throws {
        try await withSilentAddress { port in
            let client = try Self.client("smtp://127.0.0.2:\(port)")
            let sending = Task { try await client.send(Self.mail()) }

            sending.cancel()

            await #expect(throws: CancellationError.self) { try await sending.value }
        }
    }

    @Test func whatIsUnderWayAtTheEndComesAgain() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            try await server.store.write(.maintenance) { tx in
                try MailQueries.insert(Self.mail(), userID: UserID(account.id), in: tx)
            }
            try await RawReceiver.run(script: { _ in }) { receiver, port in
                let client = try Self.client("smtp://127.0.0.1:\(port)")
                let log = LogRecorder()
                let sender = MailSender(store: server.store, clock: server.clock, logger: log.logger) { mail in
                    try await client.send(mail)
                }
                let running = Task { try await sender.run() }
                try await until("the connection stands") { receiver.openConnections == 1 }
                let cancelled = ContinuousClock.now

                running.cancel()
                try await running.value

                #expect(ContinuousClock.now - cancelled < Self.slack)
                #expect(log.lines.isEmpty, "\(log.lines)")
            }
            let due: Timestamp? = try await server.store.read { tx in
                try tx.value("SELECT due_at AS value FROM mail WHERE attempt = 1")
            }
            let next = try #require(due)
            #expect(next > server.clock.now())
        }
    }

    @Test(arguments: [
        ("smtp://mail.example.com", true), ("smtps://user:p%40ss@mail.example.com:465", true),
        ("smtp://localhost:25", true), ("http://mail.example.com", false), ("mail.example.com:25", false),
        ("smtp://user@mail.example.com", false), ("smtp://mail.example.com/path", false), ("smtp://", false),
        ("smtp://mail.example.com:0", false), ("smtp://mail.example.com?tls=no", false),
        ("smtp://a:b%00@mail.example.com", false), ("", false),
    ])
    func aMailServerIsNamedByAURL(url: String, isOne: Bool) {
        let trust = SystemTrust(roots: nil, more: [])
        #expect((MailServer(url, from: "sms@example.com", trust: trust) != nil) == isOne)
        #expect(MailServer(url, from: "sms@example.com>\r\n", trust: trust) == nil)
    }
}
