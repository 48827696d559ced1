import Delivery
import HTTPSMSWebhooks
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Callbacks as the engine stores them.
struct CallbackQueriesTests {
    private static let userID = UserID("user")

    private static func queries() throws -> CallbackQueries {
        CallbackQueries(endpoints: EndpointQueries(keyring: try Keyring(masterKey: [UInt8](repeating: 7, count: 32))))
    }

    private static func event(at now: Timestamp) -> OutgoingEvent {
        OutgoingEvent(
            id: EventID(at: now), userID: userID, owner: "+18005550199", source: "/test",
            payload: EventType.messageSent.declaration.sample.payload)
    }

    private static func insert(_ number: Int, in tx: any Transaction) throws -> EndpointID {
        let id = EndpointID(at: tx.now)
        try queries().insert(
            id, CallbackURL("http://8.8.8.8/\(number)"), userID: userID, signingKey: Secret("key"), isPublicOnly: true,
            in: tx)
        return id
    }

    /// What counts is that nothing of an event without a callback grows with those that there are.
    @Test(arguments: Engine.enabled) func anEventWithoutOneCostsWhatItDid(engine: Engine) async throws {
        var costs: [[Int]] = []
        for callbacks in [0, 10, 200] {
            try await withStore(engine, migrations: GatewayStore.migrations) { store in
                // A few in each transaction, which has a deadline.
                for start in stride(from: 0, to: callbacks, by: 50) {
                    try await store.write { tx in
                        for number in start..<min(start + 50, callbacks) { _ = try Self.insert(number, in: tx) }
                    }
                }
                let cost = try await store.write { tx in
                    let counting = CountingTransaction(tx)
                    try counting.emit(Self.event(at: tx.now))
                    return [counting.statements, counting.rows]
                }
                costs.append(cost)
            }
        }

        #expect(Set(costs).count == 1, "\(costs)")
    }

    @Test(arguments: Engine.enabled) func oneThatNobodyUsesGoesUnlessSomethingWaits(engine: Engine) async throws {
        let clock = ManualClock()
        try await withStore(engine, migrations: GatewayStore.migrations, clock: clock) { store in
            let ids = try await store.write { tx in try (0..<4).map { try Self.insert($0, in: tx) } }
            // One has an event to deliver, another a message that goes in a week, and the third an event two days later.
            try await store.write { tx in
                try tx.emit(Self.event(at: tx.now), also: ids[0])
                _ = try CallbackQueries.keep(ids[1], until: tx.now + .seconds(7 * 86_400), in: tx)
            }
            clock.advance(by: .seconds(2 * 86_400))
            try await store.write { tx in _ = try CallbackQueries.keep(ids[2], in: tx) }
            clock.advance(by: .seconds(86_401))

            try await store.write { tx in
                while try EventNumbering.step(in: tx).mayHaveMore {}
                #expect(try !Self.queries().prune(in: tx))
            }

            let kept = try await store.write { tx in try ids.map { try CallbackQueries.keep($0, in: tx) } }
            #expect(kept == [true, true, true, false])
            // Its URL is free again at once.
            _ = try await store.write { tx in try Self.insert(3, in: tx) }
        }
    }

    @Test func theyAreFoundByTheirIndexes() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                _ = try CallbackQueries.find(CallbackURL("http://8.8.8.8/"), userID: Self.userID, in: tx)
                _ = try Self.queries().prune(in: tx)
                _ = try Self.queries().count(userID: Self.userID, in: tx)
            }
        }

        for index in [
            "endpoint_callback (callback_digest=?)", "endpoint_used (used_at<?)", "endpoint_user (user_id=?)",
        ] {
            #expect(plans.contains { $0.contains(index) }, "\(index) \(plans)")
        }
        #expect(!plans.contains { $0.hasPrefix("SCAN") }, "\(plans)")
    }
}
