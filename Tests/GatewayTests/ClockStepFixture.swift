import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// A store with one phone, whose attempts have 600 s and whose messages keep no rate, and all that looks at it.
struct ClockStepFixture: Sendable {
    static let number = "+18005550199"
    static let userID = UserID("user")

    let store: any Store
    let clock: SteppableClock
    let clocks: ClockGuard
    let phone: Phone
    let unreadable = UnreadableRows(metrics: DeliveryMetrics(), logger: LogRecorder().logger)

    var messages: MessageOperations {
        MessageOperations(store: store, quotas: Quotas(), clock: clock, clocks: clocks, pushes: [])
    }
    var heartbeats: HeartbeatOperations {
        HeartbeatOperations(
            store: store, clock: clock, clocks: clocks, offlineAfter: .seconds(3_600), pushes: [])
    }
    var waiting: WaitingTimes {
        WaitingTimes(store: store, offlineAfter: .seconds(3_600), unreadable: unreadable)
    }

    /// Sets the time of day; a look of every sweep comes before anybody noticed, and one after it.
    func step(by duration: Duration) async throws {
        clock.step(by: duration)
        try await sweep()
        _ = clocks.look()
        if duration < .zero { try await waiting.pullIn() }
        try await sweep()
    }

    func sweep() async throws {
        let unreadable = unreadable
        while try await store.write({ [messages] tx in
            try messages.handOutAndExpire(unreadable: unreadable, in: tx).mayHaveMore
        }) {}
        try await store.write { [heartbeats] tx in
            _ = try heartbeats.checkPresence(notBefore: nil, unreadable: unreadable, in: tx)
        }
    }

    func pass(_ seconds: Int) async throws {
        clock.pass(.seconds(seconds))
        _ = clocks.look()
        try await sweep()
    }

    func events() async throws -> [String] {
        try await store.read { tx in
            try tx.rows("SELECT type FROM event ORDER BY id").map { try $0.get("type") }
        }
    }

    func beat() async throws {
        let operations = heartbeats
        _ = try await operations.store(
            owners: [Self.number], isCharging: false, version: "1", userID: Self.userID,
            receipt: .unkept)
    }

    /// A message that is accepted now, and handed out where it is due.
    @discardableResult
    func send(at time: Timestamp? = nil) async throws -> MessageID {
        let id = MessageID(at: clock.now())
        try await store.write { [phone] tx in
            let message = Message(
                outgoing: id, from: phone, to: "+18005550100", content: "text", requestID: nil, sendAt: time,
                source: "/v1/messages/send", at: tx.now)
            let locked = try #require(try PhoneQueries.find(phone.id, in: tx))
            _ = try MessagePlanner.add([message], from: locked, within: Quotas(), in: tx)
        }
        try await sweep()
        return id
    }

    /// How often a message was handed out, and whether its attempt expired.
    func attempts(_ id: MessageID) async throws -> String {
        try await store.read { tx in
            let message = try #require(
                try tx.first(Message.self, "SELECT * FROM message WHERE id = \(id)"))
            return "\(message.status) \(message.sendAttemptCount)"
        }
    }
}

/// Runs `body` with a new store under clocks that only the test moves.
func withClockStepFixture(
    _ engine: Engine, _ body: (ClockStepFixture) async throws -> Void
) async throws {
    let clock = SteppableClock()
    try await withStore(engine, migrations: GatewayStore.migrations, clock: clock) { store in
        let phone = try await store.write { tx in
            try tx.run(
                """
                INSERT INTO users (
                    id, email, api_key_hash, api_key, timezone, notification_message_status_enabled,
                    notification_webhook_enabled, notification_heartbeat_enabled, notification_newsletter_enabled,
                    created_at, updated_at)
                VALUES (\(ClockStepFixture.userID), 'a@b.c', \([UInt8(1)]), \([UInt8(0)]), 'UTC', 1, 1, 1, 1, 0, 0)
                """)
            var phone = Phone(
                id: PhoneID(at: tx.now), userID: ClockStepFixture.userID, phoneNumber: ClockStepFixture.number,
                at: tx.now)
            phone.messagesPerMinute = 0
            phone.fcmToken = "token"
            try PhoneQueries.save(phone, in: tx)
            return phone
        }
        try await body(ClockStepFixture(store: store, clock: clock, clocks: ClockGuard(clock), phone: phone))
    }
}
