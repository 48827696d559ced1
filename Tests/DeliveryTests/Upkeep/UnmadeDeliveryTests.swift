import HTTPSMSWebhooks
import Logging
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// What is still to be made is deleted for its age only after it was announced, whatever clocks said of its age.
@Suite(.timeLimit(.minutes(15))) struct UnmadeDeliveryTests {
    private static let age: Duration = .seconds(40 * 86_400)

    /// As if the clock of the node that accepted it had been weeks behind.
    @Test(arguments: Engine.enabled, [EndpointStatus.active, .paused])
    func whatIsDatedWeeksBackIsKept(engine: Engine, status: EndpointStatus) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.status = status }
            try await harness.emit(2)
            harness.clock.advance(by: Self.age)
            var state = Upkeep.Progress()

            for _ in 0..<5 {
                try await harness.upkeep.prune(&state)
                harness.clock.advance(by: .seconds(3_600))
            }

            #expect(try await harness.deliveries(to: endpoint).count == 2)
            #expect(try await harness.bodies() == 2)
        }
    }

    @Test(arguments: Engine.enabled) func itIsAnnouncedOnceAndThenDeleted(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(4)
            try await harness.setStates([.succeeded], of: endpoint)
            harness.clock.advance(by: Self.age)
            let (log, metrics) = (LogRecorder(), DeliveryMetrics())
            let upkeep = Upkeep(
                store: harness.store, clock: harness.clock, retention: .seconds(30 * 86_400), metrics: metrics,
                logger: log.logger)
            var state = Upkeep.Progress()

            for _ in 0..<3 { try await upkeep.prune(&state) }
            let announced = log.lines.filter { $0.level == .warning }.map(\.metadata)
            harness.clock.advance(by: Upkeep.notice)
            try await upkeep.prune(&state)

            #expect(announced == [["webhooks": "1", "webhook_ids": endpoint.text, "hours": "6"]])
            let warnings = log.lines.filter { $0.level == .warning }.map(\.metadata)
            #expect(warnings.dropFirst() == [["count": "3", "webhook_ids": endpoint.text]])
            #expect(metrics.snapshot.pruned == [.pending: 3, .succeeded: 1])
            #expect(metrics.snapshot.prunedEvents == 4)
            #expect(state.overdue.isEmpty)
        }
    }

    @Test(arguments: Engine.enabled) func whatCameAfterTheNoticeHasItsOwn(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.status = .paused }
            try await harness.emit(2)
            harness.clock.advance(by: Self.age)
            var state = Upkeep.Progress()
            try await harness.upkeep.prune(&state)
            try await harness.emit(1)
            let then = harness.clock.now() - Self.age
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE delivery SET created_at = \(then) WHERE sequence = 3")
            }

            harness.clock.advance(by: Upkeep.notice)
            try await harness.upkeep.prune(&state)
            let afterOne = try await harness.deliveries(to: endpoint).map(\.sequence)
            harness.clock.advance(by: Upkeep.notice)
            try await harness.upkeep.prune(&state)

            #expect(afterOne == [3])
            #expect(try await harness.deliveries(to: endpoint).isEmpty)
            #expect(try await harness.accounts()[endpoint]?.unaccounted == 0)
        }
    }

    /// A step forward that is believed, as a small one is, is not a time of notice.
    @Test(arguments: Engine.enabled) func aClockThatIsSetIsNoNotice(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(1)
            let clock = SteppableClock(at: harness.clock.now() + Self.age)
            let upkeep = Upkeep(
                store: harness.store, clock: clock, retention: .seconds(30 * 86_400), metrics: DeliveryMetrics(),
                logger: EngineHarness.logger)
            var state = Upkeep.Progress()

            try await upkeep.prune(&state)
            clock.step(by: Self.age)
            try await upkeep.prune(&state)

            #expect(try await harness.deliveries(to: endpoint).count == 1)
        }
    }
}

extension EngineHarness {
    /// How many events have their bytes.
    fileprivate func bodies() async throws -> Int? {
        try await store.read { tx in try tx.value("SELECT COUNT(*) AS value FROM event_body") }
    }
}
