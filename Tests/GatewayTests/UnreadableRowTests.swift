import Delivery
import Logging
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// A row that holds what no version writes stops no other. Tables without their constraints take such rows.
@Suite(.timeLimit(.minutes(15))) struct UnreadableRowTests {
    private static let userID = UserID("user")

    /// A store with two phones.
    private static func withPhones(_ engine: Engine, _ body: (any Store, ManualClock, [Phone]) async throws -> Void)
        async throws
    {
        let clock = ManualClock()
        try await withStore(engine, migrations: GatewayStore.migrations, clock: clock) { store in
            let phones = try await store.write { tx in
                try (1...2).map { number in
                    var phone = Phone(
                        id: PhoneID(at: tx.now), userID: userID, phoneNumber: "+1800555019\(number)", at: tx.now)
                    phone.fcmToken = "token-\(number)"
                    try PhoneQueries.save(phone, in: tx)
                    return phone
                }
            }
            try await body(store, clock, phones)
        }
    }

    private static func loosen(_ table: SQL, in tx: any Transaction) throws {
        try tx.run("CREATE TABLE loose AS SELECT * FROM \(table)")
        try tx.run("DROP TABLE \(table)")
        try tx.run("ALTER TABLE loose RENAME TO \(table)")
    }

    @Test(arguments: Engine.enabled) func aPresenceThatCannotBeReadStopsNoOther(engine: Engine) async throws {
        try await Self.withPhones(engine) { store, clock, phones in
            let heartbeats = HeartbeatOperations(
                store: store, clock: clock, clocks: ClockGuard(clock), offlineAfter: .seconds(3_600), pushes: [])
            let metrics = DeliveryMetrics()
            let unreadable = UnreadableRows(metrics: metrics, logger: LogRecorder().logger)
            try await store.write { tx in
                for phone in phones {
                    try HeartbeatQueries.insert(
                        Presence(
                            phoneID: phone.id, userID: phone.userID, owner: phone.phoneNumber, monitorID: "monitor",
                            lastHeartbeatAt: tx.now, isOnline: true),
                        checkAt: tx.now + .seconds(3_600), in: tx)
                }
                try Self.loosen("presence", in: tx)
                try tx.run("UPDATE presence SET owner = NULL WHERE phone_id = \(phones[0].id)")
            }
            clock.advance(by: .seconds(3_601))

            try await store.write { tx in
                _ = try heartbeats.checkPresence(notBefore: nil, unreadable: unreadable, in: tx)
            }

            let owners: [String] = try await store.read { tx in
                try tx.rows("SELECT owner FROM event WHERE type = 'phone.heartbeat.offline'").map {
                    try $0.get("owner")
                }
            }
            #expect(owners == [phones[1].phoneNumber])
            #expect(metrics.snapshot.unreadable == 1)
        }
    }

    @Test(arguments: Engine.enabled) func aPushThatCannotBeReadStopsNoOther(engine: Engine) async throws {
        try await WebhookReceiver.run({ _, _ in .status(200, body: Array("{}".utf8)) }) { firebase in
            try await Self.withPhones(engine) { store, clock, phones in
                let metrics = DeliveryMetrics()
                let unreadable = UnreadableRows(metrics: metrics, logger: LogRecorder().logger)
                let pushes = try await store.write { tx in
                    let pushes = phones.map { Push.heartbeat(to: $0, at: tx.now) }
                    for push in pushes { try PushQueries.insert(push, in: tx) }
                    try Self.loosen("push", in: tx)
                    try tx.run("UPDATE push SET lifetime = NULL WHERE id = \(pushes[0].id)")
                    return pushes
                }
                let url = firebase.url("")
                let settings = try #require(PushConfiguration(account: nil, endpoint: url))
                let resolver = try SystemResolver()
                defer { resolver.shutdown() }
                let http = try HTTPSender(resolver: resolver, policy: .operators)
                let client = try await FCMClient(settings, clock: clock, sender: http)
                let sender = PushSender(
                    store: store, transports: [.firebase: client], clocks: ClockGuard(clock), unreadable: unreadable,
                    logger: LogRecorder().logger)

                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await sender.run() }
                    try await until("the other is sent") {
                        try await store.read { tx in
                            try tx.value("SELECT state AS value FROM push WHERE id = \(pushes[1].id)") == "sent"
                        }
                    }
                    tasks.cancelAll()
                }

                #expect(metrics.snapshot.unreadable == 1)
                #expect(firebase.requests.count == 1)
            }
        }
    }
}
