import Delivery
import Dispatch
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// In which order rows are locked: see "The order of locks" in `docs/architecture.md`.
@Suite(.timeLimit(.minutes(15))) struct LockOrderTests {
    private static let userID = UserID("user")
    private static let number = "+18005550199"

    /// Runs `other` while a transaction holds what `hold` locks; false when it waited for that one.
    private static func goesOn(
        beside hold: @escaping @Sendable (any Transaction) throws -> Void, in store: any Store,
        _ other: () async throws -> Void
    ) async throws -> Bool {
        let (isHeld, isOver) = (Flag(), DispatchSemaphore(value: 0))
        async let wentOn = store.write { tx in
            try hold(tx)
            isHeld.set()
            return isOver.wait(timeout: .now() + .seconds(30)) == .success
        }
        try await until("it is locked") { isHeld.isSet }
        try await other()
        isOver.signal()
        return try await wentOn
    }

    /// Whoever changes a schedule locks its phones after it: one that had a phone, and waited for the schedule, would be waited for.
    @Test(.enabled(if: Engine.enabled.contains(.postgresql)))
    func planningWaitsForNoChangeOfTheSchedule() async throws {
        try await withStore(.postgresql, migrations: GatewayStore.migrations) { store in
            let id = try await store.write { tx in
                let schedule = SendSchedule(
                    id: SendScheduleID(at: tx.now), userID: Self.userID, name: "Day", timezone: "UTC",
                    windows: [SendSchedule.Window(day: 1, startMinute: 0, endMinute: 60)], createdAt: tx.now,
                    updatedAt: tx.now)
                try SendScheduleQueries.save(schedule, in: tx)
                var phone = Phone(
                    id: PhoneID(at: tx.now), userID: Self.userID, phoneNumber: Self.number, at: tx.now)
                phone.messageSendScheduleID = schedule.id.text
                try PhoneQueries.save(phone, in: tx)
                return schedule.id
            }

            let wentOn = try await Self.goesOn(
                beside: { tx in _ = try #require(try SendScheduleQueries.find(id, userID: Self.userID, in: tx)) },
                in: store
            ) {
                try await store.write { tx in
                    let phone = try #require(
                        try PhoneQueries.find(number: Self.number, userID: Self.userID, in: tx))
                    let message = Message(
                        outgoing: MessageID(at: tx.now), from: phone, to: "+18005550100", content: "text",
                        requestID: nil, source: "/v1/messages/send", at: tx.now)
                    _ = try MessagePlanner.add([message], from: phone, within: Quotas(), in: tx)
                }
            }

            #expect(wentOn)
        }
    }

    @Test(arguments: Engine.enabled) func severalPhonesAreLockedByTheirIDs(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let numbers = (0..<8).map { "+1800555010\($0)" }
            let ids = try await store.write { tx in
                try numbers.map { number in
                    let phone = Phone(id: PhoneID(at: tx.now), userID: Self.userID, phoneNumber: number, at: tx.now)
                    try PhoneQueries.save(phone, in: tx)
                    return phone.id
                }
            }

            let found = try await store.write { tx in
                try PhoneQueries.find(numbers: numbers + ["+18005550199"], userID: Self.userID, in: tx).map(\.id)
            }

            #expect(found == ids.sorted())
        }
    }
}
