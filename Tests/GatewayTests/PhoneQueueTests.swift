import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// The queue of a phone, however long: what a message costs behind it, its order, and rows in it that cannot be read.
@Suite(.timeLimit(.minutes(15))) struct PhoneQueueTests {
    private static let number = "+18005550199"
    private static let userID = UserID("user")
    /// With any number of messages a day.
    private static let quotas: Quotas = {
        var quotas = Quotas()
        quotas.messagesPerDay = nil
        return quotas
    }()

    /// A store with one phone, and an account to speak for it.
    private static func withPhone(
        rate: Int = 10, clock: ManualClock = ManualClock(), _ body: (any Store, Phone) async throws -> Void
    ) async throws {
        try await withStore(migrations: GatewayStore.migrations, clock: clock) { store in
            let phone = try await store.write { tx in
                var phone = Phone(
                    id: PhoneID(at: tx.now), userID: userID, phoneNumber: number, at: tx.now)
                phone.messagesPerMinute = rate
                phone.fcmToken = "token"
                try PhoneQueries.save(phone, in: tx)
                return phone
            }
            try await body(store, phone)
        }
    }

    private static func messages(_ count: Int, batch: String? = nil, from phone: Phone, in tx: any Transaction)
        -> [Message]
    {
        (0..<count).map { _ in MessageID(at: tx.now) }.sorted().map { id in
            Message(
                outgoing: id, from: phone, to: "+18005550100", content: "text", requestID: nil, batch: batch,
                source: "/v1/messages/send", at: tx.now)
        }
    }

    @discardableResult
    private static func add(_ count: Int, batch: String? = nil, in store: any Store) async throws -> [Message] {
        try await store.write { tx in
            let phone = try #require(try PhoneQueries.find(number: number, userID: userID, in: tx))
            return try MessagePlanner.add(
                messages(count, batch: batch, from: phone, in: tx), from: phone, within: quotas, in: tx)
        }
    }

    private static func sweep(_ store: any Store, _ clock: ManualClock) async throws {
        while try await step(store, clock) {}
    }

    /// One transaction of it; whether there may be more.
    @discardableResult
    private static func step(_ store: any Store, _ clock: ManualClock) async throws -> Bool {
        let operations = MessageOperations(
            store: store, quotas: Quotas(), clock: clock, clocks: ClockGuard(clock), pushes: [])
        let unreadable = UnreadableRows(metrics: DeliveryMetrics(), logger: LogRecorder().logger)
        return try await store.write { tx in
            try operations.handOutAndExpire(unreadable: unreadable, in: tx).mayHaveMore
        }
    }

    /// The law: n, 2n and 4n waiting messages against the statements and rows of a send, a hand-out and a change of rate.
    @Test func aMessageCostsTheSameBehindAQueueOfAnyLength() async throws {
        var costs: [[Int]] = []
        for waiting in [1_000, 2_000, 4_000] {
            let clock = ManualClock()
            try await Self.withPhone(clock: clock) { store, _ in
                // In parts that a busy machine has time for.
                for part in 0..<waiting / 250 {
                    try await Self.add(250, batch: "bulk-\(part % 4)", in: store)
                }
                let cost = try await store.write { tx in
                    let counting = CountingTransaction(tx)
                    let phone = try #require(try PhoneQueries.find(number: Self.number, userID: Self.userID, in: tx))
                    _ = try MessagePlanner.add(
                        Self.messages(1, from: phone, in: tx), from: phone, within: Self.quotas, in: counting)
                    let send = [counting.statements, counting.rows]
                    try MessagePlanner.replan(phone, in: counting)
                    let late = CountingTransaction(tx)
                    _ = try MessagePlanner.takeTurn(of: phone, in: late) { _, _ in
                    } passOver: { _, _ in
                    }
                    return send + [counting.statements, counting.rows, late.statements, late.rows]
                }
                costs.append(cost)
            }
        }
        #expect(Set(costs).count == 1, "\(costs)")
        #expect(costs[0][1] < 250, "\(costs)")
    }

    @Test func singleMessagesGoBetweenThoseOfLongBatches() async throws {
        let clock = ManualClock()
        try await Self.withPhone(rate: 60, clock: clock) { store, _ in
            let bulk = try await Self.add(500, batch: "bulk", in: store)
            try await Self.sweep(store, clock)
            let single = try await Self.add(2, in: store)

            var order: [MessageID] = []
            for _ in 0..<5 {
                // The times of transactions are microseconds ahead of a clock that stands still.
                clock.advance(by: .milliseconds(1_001))
                try await Self.sweep(store, clock)
            }
            order = try await store.read { tx in
                try tx.rows("SELECT id FROM message WHERE status = 'scheduled' ORDER BY scheduled_at, id").map {
                    try $0.get("id")
                }
            }

            let singles = single.map(\.id)
            #expect(order.filter { !singles.contains($0) } == bulk.prefix(4).map(\.id))
            #expect(order.filter(singles.contains) == singles)
            #expect(Set(order.prefix(5)).isSuperset(of: singles))
            // A forecast is what comes true.
            let times = single.map { $0.plannedAt.map { $0 - bulk[0].createdAt } }
            #expect(times.compactMap(\.self).allSatisfy { $0 < .seconds(6) }, "\(times)")
        }
    }

    /// Webhooks' filters look at each text while everybody waits for the transaction: 64 KiB at a time.
    @Test func longMessagesAreHandedOutFewAtATime() async throws {
        let clock = ManualClock()
        try await Self.withPhone(rate: 0, clock: clock) { store, _ in
            try await Self.add(30, in: store)
            let text = String(repeating: "a", count: 8 << 10)
            _ = try await store.write { tx in try tx.run("UPDATE message SET content = \(text)") }
            func waiting() async throws -> Int? {
                try await store.read { tx in
                    try tx.value("SELECT COUNT(*) AS value FROM message WHERE status = 'pending'")
                }
            }

            try await Self.step(store, clock)

            #expect(try await waiting() == 22)
            try await Self.sweep(store, clock)
            #expect(try await waiting() == 0)
        }
    }

    @Test func aMessageThatCannotBeReadStopsNoOther() async throws {
        let clock = ManualClock()
        try await Self.withPhone(rate: 0, clock: clock) { store, phone in
            let ids = try await Self.add(3, in: store).map(\.id)
            _ = try await store.write { tx in
                try tx.run("UPDATE message SET sim = 'SIM9' WHERE id = \(ids[0])")
            }

            try await Self.sweep(store, clock)

            let waiting: [MessageID] = try await store.read { tx in
                try tx.rows("SELECT id FROM message WHERE status = 'pending'").map { try $0.get("id") }
            }
            #expect(waiting == [ids[0]])
            // It is tried again, and goes when somebody put it right.
            _ = try await store.write { tx in try tx.run("UPDATE message SET sim = 'SIM1' WHERE id = \(ids[0])") }
            clock.advance(by: .seconds(3_601))
            try await Self.sweep(store, clock)
            let left: Int? = try await store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM message WHERE status = 'pending'")
            }
            #expect(left == 0)
        }
    }

    @Test func aPhoneThatCannotBeReadStopsNoOther() async throws {
        let clock = ManualClock()
        try await Self.withPhone(rate: 0, clock: clock) { store, phone in
            try await Self.add(1, in: store)
            try await store.write { tx in
                try tx.run("UPDATE phone SET sim = 'SIM9' WHERE id = \(phone.id)")
                var other = Phone(id: PhoneID(at: tx.now), userID: Self.userID, phoneNumber: "+18005550111", at: tx.now)
                other.fcmToken = "token"
                try PhoneQueries.save(other, in: tx)
                _ = try MessagePlanner.add(
                    Self.messages(1, from: other, in: tx), from: other, within: Self.quotas, in: tx)
            }

            try await Self.sweep(store, clock)

            let owners: [String] = try await store.read { tx in
                try tx.rows("SELECT owner FROM message WHERE status = 'scheduled'").map { try $0.get("owner") }
            }
            #expect(owners == ["+18005550111"])
        }
    }

    @Test func aClockThatWasSetBackKeepsNothingWaitingLongerThanAGap() async throws {
        let clock = ManualClock()
        try await Self.withPhone(rate: 10, clock: clock) { store, phone in
            try await Self.add(2, in: store)
            _ = try await store.write { tx in
                try tx.run(
                    "UPDATE phone SET paced_at = \(tx.now + .seconds(3_600)), next_at = \(tx.now) WHERE id = \(phone.id)"
                )
            }
            clock.advance(by: .seconds(1))
            try await Self.sweep(store, clock)
            clock.advance(by: .seconds(7))
            try await Self.sweep(store, clock)

            let sent: Int? = try await store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM message WHERE status = 'scheduled'")
            }
            #expect(sent == 1)
        }
    }

    @Test func whatWaitsForADeletedPhoneEnds() async throws {
        let clock = ManualClock()
        try await Self.withPhone(rate: 1, clock: clock) { store, phone in
            try await Self.add(2, in: store)
            try await store.write { tx in
                try PhoneQueries.delete(phone.id, in: tx)
                try MessageQueries.leaveQueue(of: phone, in: tx)
            }
            clock.advance(by: .seconds(120))

            try await Self.sweep(store, clock)

            let waiting: Int? = try await store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM message WHERE status = 'pending'")
            }
            #expect(waiting == 0)
        }
    }
}
