import Storage
import TestSupport
import Testing

@testable import Delivery

/// An event that cannot be read fails its own delivery, and no other.
@Suite(.timeLimit(.minutes(15))) struct UnreadableEventTests {
    @Test(arguments: Engine.enabled, [nil, 1_000] as [Double?])
    func itsDeliveryFailsAndTheOthersOfItsClaimAreMade(engine: Engine, rate: Double?) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let events = try await harness.emit(16)
            // What is held is let go one at a time, by a claim of its own.
            if let rate { try await harness.change(endpoint) { $0.release = Release(rate: rate, through: 16) } }
            try await harness.store.write { tx in
                _ = try tx.run("DELETE FROM event_body WHERE event_id = \(events[4])")
            }
            let (log, sender) = (LogRecorder(), ScriptedSender(200))

            try await harness.dispatching(sender, logger: log.logger) { _ in
                // On PostgreSQL a row that another statement has locked is passed over, and comes next time.
                try await until("all have come to their end") {
                    harness.clock.advance(by: .milliseconds(10))
                    harness.store.wakeups.signal(.deliveries)
                    return try await (harness.count(.succeeded), harness.count(.failed)) == (15, 1)
                }
            }

            let failed = try #require(try await harness.deliveries(to: endpoint).first { $0.eventID == events[4] })
            #expect(failed.state == .failed && failed.lastError == "event_unreadable")
            #expect(failed.attempt == 0 && failed.lease == nil && failed.completedAt != nil)
            #expect(sender.requests.count == 15)
            #expect(sender.requests.allSatisfy { $0.header("X-Httpsms-Attempt") == "1" }, "each is claimed once")
            #expect(try await harness.accounts()[endpoint]?.unaccounted == 0)
            #expect(log.lines.count { $0.message == "deliveries cannot be read" } == 1)
        }
    }

    @Test(arguments: Engine.enabled) func itKeepsNoLaterEventOfItsMessage(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.ordering = .message }
            let events = (1...3).map { harness.event(order: EventOrder(key: "message", number: $0)) }
            try await harness.store.write { tx in
                for event in events { try tx.emit(event) }
                try tx.run("DELETE FROM event_body WHERE event_id = \(events[0].id)")
            }
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender) { _ in try await sender.untilSent(2) }

            #expect(try await harness.count(.failed) == 1)
        }
    }
}
