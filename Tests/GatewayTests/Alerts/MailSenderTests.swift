import Delivery
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// E-mail that waits, and who hands it in.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MailSenderTests {
    /// Has an account send letters, one after the other.
    private static func insert(_ recipients: [String], of account: Account, on server: TestServer) async throws {
        let now = server.clock.now()
        try await server.store.write(.maintenance) { tx in
            for (index, recipient) in recipients.enumerated() {
                let mail = Mail(
                    id: MailID(at: now + .seconds(index)), recipient: recipient, subject: "Hello", body: "Hello")
                try MailQueries.insert(mail, userID: UserID(account.id), in: tx)
            }
        }
    }

    private static func waiting(on server: TestServer) async throws -> Int {
        let count: Int? = try await server.store.read { tx in try tx.value("SELECT COUNT(*) AS value FROM mail") }
        return count ?? 0
    }

    /// A sender whose letters to names that begin with `stall` are never answered, while `body` runs; `body` is told to whom
    /// letters were handed in so far.
    private static func sending(
        on server: TestServer, _ body: (_ handed: () -> [String]) async throws -> Void
    ) async throws {
        let handed = Mutex<[String]>([])
        let sender = MailSender(store: server.store, clock: server.clock, logger: Logger(label: "test")) { mail in
            handed.withLock { $0.append(mail.recipient) }
            if mail.recipient.hasPrefix("stall") { try await Task.sleep(for: .seconds(3_600)) }
            if mail.recipient.hasPrefix("never") { throw MailSender.Refused(description: "never") }
        }
        let group = ServiceGroup(services: [sender], logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body { handed.withLock { $0 } }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test(arguments: Engine.enabled, [Int64.max, Int64.min, -1])
    func oneThatHoldsAnythingKeepsNoOtherBack(engine: Engine, attempt: Int64) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            try await Self.insert(["never@example.com", "second@example.com"], of: account, on: server)
            try await server.store.write(.maintenance) { tx in
                _ = try tx.run(
                    "UPDATE mail SET attempt = \(attempt), created_at = \(attempt) WHERE recipient = 'never@example.com'"
                )
            }

            try await Self.sending(on: server) { handed in
                try await until("both are gone") { try await Self.waiting(on: server) == 0 }

                #expect(handed().sorted() == ["never@example.com", "second@example.com"])
            }
        }
    }

    @Test(arguments: Engine.enabled)
    func lettersThatStallHoldBackThoseOfTheirOwnAccountOnly(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (stalling, other) = (try await server.makeAccount(), try await server.makeAccount())
            try await Self.insert((0..<20).map { "stall-\($0)@example.com" }, of: stalling, on: server)
            try await Self.sending(on: server) { handed in
                try await until("one is under way") { !handed().isEmpty }

                try await Self.insert(["ann@example.com", "bob@example.com"], of: other, on: server)
                try await until("the others' are gone") { try await Self.waiting(on: server) == 20 }

                #expect(handed() == ["stall-0@example.com", "ann@example.com", "bob@example.com"])
            }
            // The end of the sender did not wait for the letter that stalls, and left it its lease.
            let leased: Int? = try await server.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM mail WHERE attempt = 1 AND due_at > \(tx.now)")
            }
            #expect(leased == 1)
        }
    }

    @Test func whatWasNeverTriedGoesBeforeWhatWasNotTaken() async throws {
        try await withServer { server in
            let (tried, fresh) = (try await server.makeAccount(), try await server.makeAccount())
            try await Self.insert(["tried@example.com", "next@example.com"], of: tried, on: server)
            try await Self.insert(["fresh@example.com"], of: fresh, on: server)
            try await server.store.write(.maintenance) { tx in
                _ = try tx.run("UPDATE mail SET attempt = 1 WHERE recipient = 'tried@example.com'")
                let before = try MailQueries.usersWithDue(in: tx)

                let first = try MailQueries.take(of: UserID(tried.id), in: tx)

                let after = try MailQueries.usersWithDue(in: tx)
                #expect(before.fresh.count == 2 && before.tried.isEmpty)
                #expect(first?.mail.recipient == "next@example.com")
                #expect(after.fresh == [UserID(fresh.id)] && after.tried == [UserID(tried.id)])
            }
        }
    }

    @Test func aLetterThatAMailServerStallsOnKeepsNoOtherAccountWaiting() async throws {
        try await withTemporaryDirectory { folder in
            try await MailReceiver.run(in: folder, "plain") { receiver in
                let settings = [
                    "SMTP_URL": "smtp://127.0.0.1:\(receiver.port)", "SMTP_FROM": "sms@example.com",
                ]
                try await withServer(settings) { server in
                    let (stalling, other) = (try await server.makeAccount(), try await server.makeAccount())
                    try await Self.insert((0..<20).map { "stall-\($0)@example.com" }, of: stalling, on: server)

                    try await Self.insert(["ann@example.com"], of: other, on: server)

                    #expect(try await receiver.mails(1).map { $0["to"] } == [["ann@example.com"]])
                    #expect(try await Self.waiting(on: server) >= 20)
                }
            }
        }
    }
}

/// Who gets the places of those who send.
struct AccountPlacesTests {
    @Test func accountsTakeTurnsAndNoneHasMoreThanItsShare() {
        let users = (0..<4).map { UserID("user-\($0)") }
        var shares = AccountPlaces.Shares(3, each: 1)
        #expect(shares.inTurn(users) == users)

        for user in users.prefix(3) { shares.take(user, 1) }
        #expect(shares.free == 0)
        shares.take(users[1], -1)
        #expect(users.map { shares.room(for: $0) } == [0, 1, 0, 1])
        // The last one was never given a place, and the second has none at the moment.
        #expect(shares.inTurn(users) == [users[3], users[1], users[0], users[2]])

        shares.take(users[3], 1)
        for user in [users[0], users[2], users[3]] { shares.take(user, -1) }
        #expect(shares.inTurn(users) == users)
        #expect(shares.free == 3)
    }
}
