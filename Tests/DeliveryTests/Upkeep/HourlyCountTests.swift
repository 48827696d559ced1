import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// What charts are drawn from agrees with how deliveries ended.
@Suite(.timeLimit(.minutes(15))) struct HourlyCountTests {
    @Test(arguments: Engine.enabled) func deliveriesAreCountedInTheHourInWhichTheyEnded(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.addEndpoint(userID: UserID("user-2"))
            let lease = Lease(at: harness.clock.now())
            try await harness.emit(6)
            let first = HourlyCounts.hour(of: harness.clock.now())
            let claims = try await harness.claim(endpoint, lease: lease)
            try await harness.record(Array(claims[0..<2]), .succeeded, lease: lease)
            try await harness.record([claims[2]], .succeeded, lease: lease)
            try await harness.record([claims[3]], .failed, lease: lease)
            // Neither a retry nor a result that comes twice ends a delivery.
            try await harness.record([claims[4]], .retry(at: harness.clock.now() + .seconds(10)), lease: lease)
            try await harness.record([claims[3]], .failed, lease: lease)
            harness.clock.advance(by: .seconds(3_600))
            try await harness.record([claims[5]], .failed, lease: lease)

            let since = harness.clock.now() - .seconds(86_400)
            let counts = try await harness.store.read { tx in
                try HourlyCounts.counts(userID: EngineHarness.userID, since: since, in: tx)
            }
            let latest = try await harness.store.read { tx in
                try HourlyCounts.counts(userID: EngineHarness.userID, since: tx.now, in: tx)
            }

            let last = HourlyCount(hour: first + .seconds(3_600), succeeded: 0, failed: 1)
            #expect(counts == [endpoint: [HourlyCount(hour: first, succeeded: 3, failed: 1), last]])
            #expect(latest == [endpoint: [last]])
        }
    }

    @Test(arguments: Engine.enabled) func hoursGoAfterEightDaysAndWithTheirEndpoint(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoints = [try await harness.addEndpoint(), try await harness.addEndpoint()]
            let lease = Lease(at: harness.clock.now())
            for endpoint in endpoints {
                try await harness.emit()
                try await harness.record(harness.claim(endpoint, limit: 1, lease: lease), .succeeded, lease: lease)
            }
            func left() async throws -> Int? {
                try await harness.store.read { tx in try tx.value("SELECT COUNT(*) AS value FROM endpoint_hour") }
            }

            try await harness.change(endpoints[0]) { $0.status = .deleted }
            while try await harness.store.write(
                .maintenance,
                { tx in
                    try DeliveryQueries.cancelForDeletedEndpoints(limit: 100, in: tx)
                })
            {}
            #expect(try await left() == 1)

            harness.clock.advance(by: .seconds(7 * 86_400))
            #expect(try await !harness.store.write(.maintenance) { tx in try HourlyCounts.prune(in: tx) })
            #expect(try await left() == 1)
            harness.clock.advance(by: .seconds(2 * 86_400))
            _ = try await harness.store.write(.maintenance) { tx in try HourlyCounts.prune(in: tx) }
            #expect(try await left() == 0)
        }
    }
}
