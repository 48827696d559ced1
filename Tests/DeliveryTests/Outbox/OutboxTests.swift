import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing

@testable import Delivery

struct OutboxTests {
    private struct Refused: Error {}

    @Test(arguments: Engine.enabled) func anEventHasARowABodyAndADeliveryForEachEndpointThatWantsIt(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let one = try await harness.addEndpoint()
            let two = try await harness.addEndpoint(owners: ["+18005550100", EngineHarness.owner])
            try await harness.addEndpoint(types: [.messageSent])
            try await harness.addEndpoint(owners: ["+18005550100"])
            try await harness.addEndpoint(userID: UserID("user-2"))

            let event = try await harness.emit()[0]

            let delivery = try #require(try await harness.deliveries(to: one).first)
            #expect(delivery.eventID == event)
            #expect(delivery.state == .pending)
            #expect(delivery.lane == .first)
            #expect(delivery.attempt == 0)
            #expect(delivery.lease == nil)
            #expect(try await harness.deliveries(to: two).map(\.eventID) == [event])
            #expect(try await harness.count(.pending) == 2)
        }
    }

    @Test(arguments: Engine.enabled) func theBodyIsTheCloudEventOfTheTransactionsTime(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let event = harness.event()

            let time = try await harness.store.write { tx in
                try tx.emit(event)
                return tx.now
            }

            let expected = CloudEvent(id: event.id.text, source: event.source, time: time, payload: event.payload)
            let body: [UInt8]? = try await harness.store.read { tx in
                try tx.value("SELECT body AS value FROM event_body WHERE event_id = \(event.id)")
            }
            #expect(body == expected.encoded())
        }
    }

    @Test(arguments: Engine.enabled) func nothingIsLeftOfATransactionThatThrows(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            _ = harness.store.wakeups.takeKeys(.deliveries)
            let lost = harness.event()

            await #expect(throws: Refused.self) {
                try await harness.store.write { tx in
                    try tx.emit(lost)
                    throw Refused()
                }
            }

            #expect(harness.store.wakeups.takeKeys(.deliveries) == [])
            let next = try await harness.emit()[0]
            #expect(try await harness.deliveries(to: endpoint).map(\.sequence) == [1, 2])
            #expect(try await harness.deliveries(to: endpoint).last?.eventID == next)
            #expect(try await positions(harness) == [1, 2])
            let bodies = try await harness.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM event_body", as: Int.self)
            }
            #expect(bodies == 2)
        }
    }

    @Test(arguments: Engine.enabled) func positionsAndSequencesHaveNoGapsWhoeverWrites(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()

            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for task in 0..<8 {
                    tasks.addTask {
                        for number in 0..<20 {
                            guard (task + number) % 5 == 0 else {
                                try await harness.emit()
                                continue
                            }
                            let event = harness.event()
                            try? await harness.store.write { tx in
                                try tx.emit(event)
                                throw Refused()
                            }
                        }
                    }
                }
                try await tasks.waitForAll()
            }

            #expect(try await positions(harness) == Array(1...128))
            #expect(try await harness.deliveries(to: endpoint).map(\.sequence) == Array(1...128))
        }
    }

    @Test(arguments: Engine.enabled) func anEventIsEmittedOnce(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let event = harness.event()
            try await harness.store.write { tx in try tx.emit(event) }

            await #expect(throws: StorageError.self) {
                try await harness.store.write { tx in try tx.emit(event) }
            }

            #expect(try await harness.deliveries(to: endpoint).count == 1)
        }
    }

    @Test(arguments: Engine.enabled) func theIDOfADeliveryFollowsFromItsEventAndEndpoint(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let event = harness.event()

            let time = try await harness.store.write { tx in
                try tx.emit(event)
                return tx.now
            }

            let delivery = try #require(try await harness.deliveries(to: endpoint).first)
            #expect(delivery.id == DeliveryID(event: event.id, endpoint: endpoint, at: time))
            #expect(delivery.dueAt == time)
        }
    }

    @Test(arguments: Engine.enabled) func aDeliveryKeepsThePlaceInItsMessagesOrder(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let ordered = harness.event(order: EventOrder(key: "message-1", number: 3))
            let unordered = harness.event()

            try await harness.store.write { tx in
                try tx.emit(ordered)
                try tx.emit(unordered)
            }

            let deliveries = try await harness.deliveries(to: endpoint)
            #expect(deliveries.map(\.orderKey) == ["message-1", nil])
            #expect(deliveries.map(\.orderNumber) == [3, nil])
        }
    }

    @Test(arguments: Engine.enabled) func theDispatcherIsToldOfEachEndpointOnceItIsDurable(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let one = try await harness.addEndpoint()
            let two = try await harness.addEndpoint()
            let event = harness.event()

            let early = try await harness.store.write { tx in
                try tx.emit(event)
                return tx.wakeups.takeKeys(.deliveries)
            }

            #expect(early == [])
            #expect(harness.store.wakeups.takeKeys(.deliveries) == [one.text, two.text])
        }
    }

    @Test(arguments: Engine.enabled) func pausedEndpointsCollectDeliveries(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.status = .paused }

            try await harness.emit()

            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.pending])
        }
    }

    private func positions(_ harness: EngineHarness) async throws -> [Int] {
        try await harness.store.read { tx in
            try tx.rows("SELECT position FROM event ORDER BY position").map { try $0.get("position") }
        }
    }
}
