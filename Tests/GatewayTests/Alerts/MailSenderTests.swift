import Delivery
import Logging
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// E-mail that waits, and who hands it in.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MailSenderTests {
    @Test(arguments: Engine.enabled, [Int64.max, Int64.min, -1])
    func oneThatHoldsAnythingKeepsNoOtherBack(engine: Engine, attempt: Int64) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let now = server.clock.now()
            try await server.store.write(.maintenance) { tx in
                for (index, recipient) in ["first@example.com", "second@example.com"].enumerated() {
                    let mail = Mail(
                        id: MailID(at: now + .seconds(index)), recipient: recipient, subject: "Hello", body: "Hello")
                    try MailQueries.insert(mail, userID: UserID(account.id), in: tx)
                }
                _ = try tx.run(
                    "UPDATE mail SET attempt = \(attempt), created_at = \(attempt) WHERE recipient = 'first@example.com'"
                )
            }
            let handed = Mutex<[String]>([])
            let sender = MailSender(store: server.store, clock: server.clock, logger: Logger(label: "test")) { mail in
                handed.withLock { $0.append(mail.recipient) }
                if mail.recipient == "first@example.com" { throw MailSender.Refused(description: "never") }
            }

            while try await sender.step() {}

            #expect(handed.withLock { $0 } == ["first@example.com", "second@example.com"])
            let waiting: Int64? = try await server.store.read { tx in try tx.value("SELECT COUNT(*) AS value FROM mail")
            }
            #expect(waiting == 0)
        }
    }
}
