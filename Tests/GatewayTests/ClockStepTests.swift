import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// The time of day is set while phones are watched and messages are under way: nobody is late because of it, nothing is handed
/// out twice, and nothing waits longer than its schedule allows.
@Suite(.timeLimit(.minutes(15))) struct ClockStepTests {
    private static let hours: [Duration] = [.seconds(7_200), .seconds(40 * 86_400)]
    private static let userID = ClockStepFixture.userID

    // MARK: Phones

    @Test(arguments: Engine.enabled, hours)
    func aPhoneIsOfflineAfterAnHourOfSilenceAndNotByAStep(engine: Engine, step: Duration) async throws {
        try await withClockStepFixture(engine) { fixture in
            try await fixture.beat()
            try await fixture.pass(60)
            try await fixture.step(by: step)
            try await fixture.pass(3_530)
            #expect(try await fixture.events() == [])

            try await fixture.pass(20)

            #expect(try await fixture.events() == ["phone.heartbeat.offline"])
        }
    }

    @Test(arguments: Engine.enabled) func severalStepsTakeNoPhoneForOffline(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            try await fixture.beat()
            for step in [7_200, -7_200, 40 * 86_400, 7_200, -40 * 86_400, 40 * 86_400] {
                try await fixture.step(by: .seconds(step))
                try await fixture.pass(60)
            }
            #expect(try await fixture.events() == [])

            try await fixture.pass(3_600)

            #expect(try await fixture.events() == ["phone.heartbeat.offline"])
        }
    }

    @Test(arguments: Engine.enabled, hours)
    func aPhoneThatWasHeardBeforeAStepBackIsMissedAfterAnHour(engine: Engine, step: Duration) async throws {
        try await withClockStepFixture(engine) { fixture in
            try await fixture.beat()
            try await fixture.step(by: .zero - step)
            try await fixture.pass(3_500)
            #expect(try await fixture.events() == [])

            try await fixture.pass(200)

            #expect(try await fixture.events() == ["phone.heartbeat.offline"])
        }
    }

    // MARK: Messages

    @Test(arguments: Engine.enabled) func whatWaitsForADeviceIsOfferedAfterAStep(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            let id = try await fixture.send()
            for hours in [5, 24 * 40] {
                try await fixture.step(by: .seconds(hours * 3_600))

                let offered = try await fixture.store.read { tx in
                    (
                        list: try DeviceOfferQueries.outstanding(
                            userID: ClockStepFixture.userID, owners: [ClockStepFixture.number], limit: 2, in: tx),
                        isAny: try DeviceOfferQueries.isAnythingOutstanding(
                            userID: ClockStepFixture.userID, owners: [ClockStepFixture.number], in: tx)
                    )
                }
                #expect(offered.list.map(\.id) == [id] && offered.isAny)
            }
        }
    }

    @Test(arguments: Engine.enabled, hours)
    func anAttemptHasItsTimeWhateverTheClockIsSetTo(engine: Engine, step: Duration) async throws {
        try await withClockStepFixture(engine) { fixture in
            let before = try await fixture.send()
            try await fixture.pass(60)
            try await fixture.step(by: step)
            let after = try await fixture.send()
            try await fixture.pass(530)
            #expect(try await fixture.events() == [])
            #expect(try await fixture.attempts(before) == "scheduled 1")

            try await fixture.pass(20)
            #expect(try await fixture.events() == ["message.send.expired"])
            #expect(try await fixture.attempts(before) == "scheduled 2")
            #expect(try await fixture.attempts(after) == "scheduled 1")

            // What is younger than the step has its own time and no more.
            try await fixture.pass(60)
            #expect(try await fixture.attempts(after) == "scheduled 2")
        }
    }

    @Test(arguments: Engine.enabled) func severalStepsExpireNothing(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            let id = try await fixture.send()
            for step in [7_200, -7_200, 40 * 86_400, 7_200, -40 * 86_400, 40 * 86_400, -7_200] {
                try await fixture.step(by: .seconds(step))
                try await fixture.pass(10)
            }
            #expect(try await fixture.attempts(id) == "scheduled 1")

            try await fixture.pass(600)

            #expect(try await fixture.attempts(id) == "scheduled 2")
        }
    }

    @Test(arguments: Engine.enabled, hours)
    func anAttemptWaitsNoLongerBecauseTheClockWasSetBack(engine: Engine, step: Duration) async throws {
        try await withClockStepFixture(engine) { fixture in
            let id = try await fixture.send()
            try await fixture.step(by: .zero - step)
            try await fixture.pass(650)

            #expect(try await fixture.attempts(id) == "scheduled 2")
        }
    }

    /// A clock that was set while no server ran looks like a long absence.
    @Test(arguments: Engine.enabled) func anAttemptHasItsTimeAfterAStartToo(engine: Engine) async throws {
        try await withClockStepFixture(engine) { first in
            let id = try await first.send()
            let lastAlive = first.clock.now()
            first.clock.step(by: .seconds(40 * 86_400))
            let fixture = ClockStepFixture(
                store: first.store, clock: first.clock, clocks: ClockGuard(first.clock, lastAlive: lastAlive),
                phone: first.phone)

            try await fixture.pass(590)
            #expect(try await fixture.attempts(id) == "scheduled 1")
            try await fixture.pass(20)
            #expect(try await fixture.attempts(id) == "scheduled 2")
        }
    }

    @Test(arguments: Engine.enabled) func whatIsPlannedForNextMonthIsNotSentByAStep(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            let id = try await fixture.send(at: fixture.clock.now() + .seconds(30 * 86_400))
            try await fixture.step(by: .seconds(40 * 86_400))
            try await fixture.pass(3_000)
            #expect(try await fixture.attempts(id) == "pending 0")
            // What is accepted by the new time goes by it.
            let new = try await fixture.send(at: fixture.clock.now() + .seconds(60))
            try await fixture.pass(70)
            #expect(try await fixture.attempts(new) == "scheduled 1")

            try await fixture.step(by: .seconds(-40 * 86_400))
            try await fixture.pass(3_600)
            #expect(try await fixture.attempts(id) == "pending 0")
            // One that stays is meant.
            try await fixture.step(by: .seconds(40 * 86_400))
            try await fixture.pass(3_600)
            #expect(try await fixture.attempts(id) == "scheduled 1")
        }
    }

    @Test(arguments: Engine.enabled) func aQueueGoesOnAtItsPaceAfterAStepBack(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            try await fixture.store.write { tx in
                _ = try tx.run("UPDATE phone SET messages_per_minute = 10 WHERE id = \(fixture.phone.id)")
            }
            var ids: [MessageID] = []
            for _ in 0..<3 { ids.append(try await fixture.send()) }
            try await fixture.step(by: .seconds(-40 * 86_400))
            for _ in 0..<20 { try await fixture.pass(1) }

            var states: [String] = []
            for id in ids { states.append(try await fixture.attempts(id)) }
            #expect(states == ["scheduled 1", "scheduled 1", "scheduled 1"])
        }
    }

    /// As when the clock was set forward and back between two looks.
    @Test(arguments: Engine.enabled) func aMessageGoesAtOnceThoughItsPhoneIsPlannedForNextMonth(
        engine: Engine
    ) async throws {
        try await withClockStepFixture(engine) { fixture in
            let ahead = fixture.clock.now() + .seconds(40 * 86_400)
            try await fixture.store.write { tx in
                _ = try tx.run("UPDATE phone SET next_at = \(ahead), paced_at = \(ahead)")
            }

            let id = try await fixture.send()
            try await fixture.pass(1)

            #expect(try await fixture.attempts(id) == "scheduled 1")
        }
    }

    // MARK: Pushes

    @Test(arguments: Engine.enabled) func aPushThatIsBeingSentIsNotDueByAStep(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            let (first, second) = try await fixture.store.write { tx in
                let pushes = (
                    Push.heartbeat(to: fixture.phone, at: tx.now), Push.heartbeat(to: fixture.phone, at: tx.now)
                )
                try PushQueries.insert(pushes.0, in: tx)
                let row = try #require(try PushQueries.due(of: Self.userID, limit: 1, in: tx).first)
                _ = try PushQueries.claim(row, until: tx.now + .seconds(30), in: tx)
                try PushQueries.insert(pushes.1, in: tx)
                return (pushes.0.id, pushes.1.id)
            }
            func due() async throws -> [PushID] {
                let lead = fixture.clocks.lead(within: PushSender.longestWait)
                return try await fixture.store.read { tx in
                    try PushQueries.due(of: Self.userID, limit: 10, lead: lead, in: tx).map { try $0.get("id") }
                }
            }
            fixture.clock.step(by: .seconds(7_200))
            #expect(try await due() == [second])
            _ = fixture.clocks.look()
            #expect(try await due() == [second])

            fixture.clock.pass(.seconds(31))

            #expect(Set(try await due()) == [first, second])
        }
    }

    // MARK: What was set ahead

    @Test(arguments: Engine.enabled) func whatNoClockOfTodayCanHaveSetIsSetAgain(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            let (now, ahead) = (fixture.clock.now(), fixture.clock.now() + .seconds(40 * 86_400))
            try await fixture.beat()
            try await fixture.store.write { tx in
                try PushQueries.insert(.heartbeat(to: fixture.phone, at: tx.now), in: tx)
                for (column, table) in [("due_at", "push"), ("check_at", "presence"), ("wake_at", "presence")]
                    as [(SQL, SQL)]
                {
                    try tx.run("UPDATE \(table) SET \(column) = \(ahead)")
                }
                try tx.run(
                    """
                    INSERT INTO session (token_hash, user_id, form_token, created_at, last_seen_at, expires_at)
                    VALUES (\([1] as [UInt8]), 'user', '', \(now), \(now), \(ahead))
                    """)
                try InvitationQueries.insert(tokenHash: [1], email: "a@example.com", in: tx)
                try tx.run("UPDATE invitation SET expires_at = \(ahead)")
                try tx.run("INSERT INTO first_run_token (token_hash, expires_at) VALUES (\([1] as [UInt8]), \(ahead))")
                try tx.run("INSERT INTO user_erasure (user_id, due_at, ends_at) VALUES ('gone', \(ahead), \(ahead))")
            }

            try await fixture.waiting.pullIn()

            let columns: [(table: SQL, column: SQL, most: Int)] = [
                ("push", "due_at", 0), ("presence", "check_at", 0), ("presence", "wake_at", 960),
                ("session", "expires_at", 30 * 86_400), ("invitation", "expires_at", 7 * 86_400),
                ("first_run_token", "expires_at", 86_400), ("user_erasure", "due_at", 0),
                ("user_erasure", "ends_at", 60),
            ]
            for (table, column, most) in columns {
                let time: Timestamp? = try await fixture.store.read { tx in
                    try tx.value("SELECT \(column) AS value FROM \(table)")
                }
                let wait = try #require(time) - now
                #expect(abs(wait.seconds - Double(most)) < 1, "\(table) \(column): \(wait)")
            }
        }
    }

    @Test(arguments: Engine.enabled) func aThousandAttemptsAndPhonesAreAllLookedAt(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            let ahead = fixture.clock.now() + .seconds(40 * 86_400)
            // In short transactions, as PostgreSQL waits only so long for the next statement of one.
            for first in stride(from: 0, to: 1_100, by: 100) {
                try await fixture.store.write { tx in
                    for number in first..<(first + 100) {
                        var phone = Phone(
                            id: PhoneID(at: tx.now), userID: Self.userID, phoneNumber: "+1800555\(1_000 + number)",
                            at: tx.now)
                        phone.messagesPerMinute = 10
                        phone.fcmToken = "token"
                        try PhoneQueries.save(phone, in: tx)
                        let message = Message(
                            outgoing: MessageID(at: tx.now), from: phone, to: "+18005550100", content: "",
                            requestID: nil,
                            source: "", at: tx.now)
                        try MessageQueries.insert(message, in: tx)
                    }
                }
            }
            try await fixture.store.write { tx in
                try tx.run("UPDATE phone SET next_at = \(ahead)")
                try tx.run("UPDATE message SET expires_at = \(ahead)")
            }

            try await fixture.waiting.pullIn()

            let left: [Int?] = try await fixture.store.read { tx in
                [
                    try tx.value("SELECT COUNT(*) AS value FROM phone WHERE next_at >= \(ahead)"),
                    try tx.value("SELECT COUNT(*) AS value FROM message WHERE expires_at >= \(ahead)"),
                ]
            }
            #expect(left == [0, 0])
        }
    }

    // MARK: Signs of life

    @Test(arguments: Engine.enabled) func aClockThatIsNotBelievedLeavesNoSignOfLife(engine: Engine) async throws {
        try await withClockStepFixture(engine) { fixture in
            let sign = ServerLife(
                store: fixture.store, clock: fixture.clock, clocks: fixture.clocks, logger: LogRecorder().logger)
            func last() async throws -> Timestamp? {
                try await fixture.store.read { tx in try HeartbeatQueries.lastAlive(in: tx) }
            }
            try await sign.note()
            let before = try #require(try await last())
            fixture.clock.step(by: .seconds(40 * 86_400))
            try await sign.note()
            _ = fixture.clocks.look()
            try await sign.note()
            #expect(try await last() == before)

            fixture.clock.step(by: .seconds(-40 * 86_400))
            fixture.clock.pass(.seconds(5))
            _ = fixture.clocks.look()
            try await sign.note()

            #expect(try #require(try await last()) - before < .seconds(6))
        }
    }

    // MARK: The server

    /// Everything above is what a running server does, on its own clock.
    @Test func aServerHandsNothingOutTwiceAndDoesNothingTwice() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await phone.beat()
            let id = try await account.send()["id"].string
            try await until("it is handed out") { try await account.message(id)["status"] == "scheduled" }
            #expect(try await phone.fetch(id).data["status"] == "sending")
            let draft: JSON = ["from": "+18005550199", "to": "+18005550100", "content": "Once"]
            func create() async throws -> JSON {
                try await account.client.send(
                    "POST", "/v1/messages/send", draft, headers: [("Idempotency-Key", "key")]
                ).data["id"]
            }
            let created = try await create()

            for step in [7_200, 40 * 86_400, -40 * 86_400, 40 * 86_400] {
                server.clock.jump(by: .seconds(step))
                server.advance(by: .zero)
                let fence = try await account.send()["id"].string
                try await until("the sweep has looked") { try await account.message(fence)["status"] == "scheduled" }
                #expect(try await create() == created)
            }
            #expect(try await server.emittedTypes() == [])
            #expect(try await account.message(id)["send_attempt_count"] == 1)

            server.advance(by: .seconds(3_601))
            try await until("the silence is told") {
                try await server.emittedTypes().count { $0 == "phone.heartbeat.offline" } == 1
            }
            #expect(server.log.lines.contains { $0.message == "the clock was set" })
        }
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) }
}
