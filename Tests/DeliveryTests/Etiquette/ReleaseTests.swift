import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// In which order what was held is let go.
@Suite(.timeLimit(.minutes(15))) struct ReleaseTests {
    @Test(arguments: Engine.enabled) func theOldestOfAllLanesGoesFirst(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            let lease = Lease(at: harness.clock.now())
            for _ in 1...3 { try await harness.emit() }
            let claims = try await harness.claim(id, limit: 3, lease: lease).sorted { $0.createdAt < $1.createdAt }
            try await harness.record([claims[1]], .retry(at: harness.clock.now() + .seconds(1)), lease: lease)
            try await harness.record([claims[2]], .disabled, lease: lease)
            try await harness.record([claims[0]], .retry(at: harness.clock.now() + .seconds(2)), lease: lease)
            for _ in 4...5 { try await harness.emit() }
            harness.clock.advance(by: .seconds(60))

            let released = try await harness.release(id, through: 5, lease: lease)

            #expect(released == [2, 1, 3, 4, 5])
        }
    }

    @Test(arguments: Engine.enabled) func whatCameAfterTheResumeIsNotPartOfIt(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            for _ in 1...4 { try await harness.emit() }

            #expect(try await harness.release(id, through: 2, lease: Lease(at: harness.clock.now())) == [1, 2])
        }
    }

    @Test(arguments: Engine.enabled) func aRetryThatIsNotDueHoldsNothingUp(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            let lease = Lease(at: harness.clock.now())
            for _ in 1...3 { try await harness.emit() }
            let claims = try await harness.claim(id, limit: 1, lease: lease)
            try await harness.record(claims, .retry(at: harness.clock.now() + .seconds(600)), lease: lease)

            #expect(try await harness.release(id, through: 3, lease: lease) == [2, 3])
        }
    }

    @Test(arguments: Engine.enabled) func theOrderOfAMessageHoldsInARelease(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            try await harness.change(id) { $0.ordering = .message }
            let lease = Lease(at: harness.clock.now())
            for (key, number) in [("a", 1), ("a", 2), ("b", 1)] {
                let event = harness.event(order: EventOrder(key: key, number: number))
                try await harness.store.write { tx in try tx.emit(event) }
            }
            try await harness.number()
            let claims = try await harness.claim(id, limit: 1, lease: lease)
            try await harness.record(claims, .retry(at: harness.clock.now() + .seconds(600)), lease: lease)

            #expect(try await harness.release(id, through: 3, lease: lease) == [3])
        }
    }
}

extension EngineHarness {
    /// Claims what was held, one by one, and gives the sequences in the order of the claims.
    fileprivate func release(_ id: EndpointID, through: Int64, lease: Lease) async throws -> [Int64] {
        var sequences: [Int64] = []
        while true {
            let held = try await store.write(.engine) { [endpoints, clock] tx in
                try endpoints.find(id, userID: Self.userID, in: tx).flatMap {
                    try ReleaseQueries.claimHeld(
                        endpoint: $0, through: through, lease: lease, at: clock.now(), in: tx
                    ).deliveries.first
                }
            }
            guard let held else { return sequences }
            sequences.append(held.sequence ?? 0)
        }
    }
}
