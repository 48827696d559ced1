import HTTPSMSWebhooks
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// The pace is the endpoint's: stored, and one for all nodes.
@Suite(.timeLimit(.minutes(15))) struct StoredPaceTests {
    @Test(arguments: Engine.enabled) func aRefusalHoldsAllNodesAndLosesOneTry(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(10)
            let nodes = (0..<3).map { _ in Lease(at: harness.clock.now()) }
            let claims = try await harness.claimAsNode(endpoint, limit: 1, lease: nodes[0]).deliveries

            try await harness.answer(claims, status: 429, retryAfter: "30")

            for node in nodes {
                let (deliveries, pace) = try await harness.claimAsNode(endpoint, limit: 16, lease: node)
                #expect(deliveries.isEmpty)
                #expect(pace.hold(at: harness.clock.now()) == harness.clock.now() + .seconds(30))
            }
            #expect(try await harness.deliveries(to: endpoint).map(\.step).reduce(0, +) == 1)
        }
    }

    @Test(arguments: Engine.enabled) func nodesTakePlacesOfOnePace(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(30)
            let nodes = (0..<3).map { _ in Lease(at: harness.clock.now()) }
            let claims = try await harness.claimAsNode(endpoint, limit: 1, lease: nodes[0]).deliveries
            try await harness.answer(claims, status: 429)
            harness.clock.advance(by: .seconds(2))

            // The interval is 2 s; each looks four times in each.
            var taken: [Int] = []
            for _ in 0..<20 {
                var count = 0
                for node in nodes {
                    count += try await harness.claimAsNode(endpoint, limit: 16, lease: node).deliveries.count
                }
                taken.append(count)
                harness.clock.advance(by: .milliseconds(500))
            }

            #expect(taken == (0..<20).map { $0.isMultiple(of: 4) ? 1 : 0 })
        }
    }

    @Test(arguments: Engine.enabled) func successesOfAllNodesShortenTheInterval(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(30)
            let nodes = (0..<3).map { _ in Lease(at: harness.clock.now()) }
            try await harness.answer(
                try await harness.claimAsNode(endpoint, limit: 1, lease: nodes[0]).deliveries, status: 429)
            for step in 0..<20 {
                harness.clock.advance(by: .seconds(4))
                let claims = try await harness.claimAsNode(endpoint, limit: 16, lease: nodes[step % 3]).deliveries
                #expect(claims.count == 1)
                try await harness.answer(claims, status: 200, isPaced: true)
            }

            let interval = try #require(try await harness.pace(of: endpoint).interval)
            #expect(interval > .milliseconds(900) && interval < .seconds(1))
        }
    }

    /// A restart, and a node that begins: what the store knows holds.
    @Test(arguments: Engine.enabled) func aScanTellsOfTheHold(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(5)
            let lease = Lease(at: harness.clock.now())
            try await harness.answer(
                try await harness.claimAsNode(endpoint, limit: 1, lease: lease).deliveries, status: 429,
                retryAfter: "600")

            var ready = ReadySet(limits: .forTests)
            ready.replace(
                with: try await harness.store.read { tx in try DispatcherWork.scan(in: tx) }, at: harness.clock.now())

            let end = harness.clock.now() + .seconds(600)
            #expect(ready.plan(at: end - .microseconds(1)).isEmpty)
            #expect(ready.nextDue == end)
            #expect(ready.plan(at: end).map(\.endpoint) == [endpoint])
        }
    }

    @Test(arguments: Engine.enabled) func whatTheReceiverAskedForOutlivesChangesOfOtherThings(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let changes: [(isKept: Bool, change: @Sendable (inout Endpoint) -> Void)] = [
                (true, { $0.signingKey = Secret("another key") }), (true, { $0.eventTypes.append(.heartbeatOnline) }),
                (true, { $0.ordering = .message }), (false, { $0.url = "https://other.example/hook" }),
            ]
            for (isKept, change) in changes {
                let endpoint = try await harness.addEndpoint()
                try await harness.emit(2)
                let lease = Lease(at: harness.clock.now())
                try await harness.answer(
                    try await harness.claimAsNode(endpoint, limit: 1, lease: lease).deliveries, status: 429)

                try await harness.change(endpoint, change)

                let pace = try await harness.pace(of: endpoint)
                #expect((pace.notBefore != nil) == isKept && (pace.interval != nil) == isKept)
            }
        }
    }

    @Test(arguments: Engine.enabled) func aPauseHoldsAndAResumeLetsGo(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claimAsNode(endpoint, limit: 2, lease: lease).deliveries
            try await harness.answer([claims[0]], status: 429, retryAfter: "3600", version: 1)

            try await harness.change(endpoint) { $0.status = .paused }
            #expect(try await harness.claimAsNode(endpoint, limit: 1, lease: lease).deliveries.isEmpty)
            try await harness.change(endpoint) { $0.status = .active }
            // An answer to what was under way before belongs to an earlier version.
            try await harness.answer([claims[1]], status: 429, retryAfter: "3600", version: 1)

            #expect(try await harness.pace(of: endpoint) == Pace())
            #expect(try await harness.claimAsNode(endpoint, limit: 1, lease: lease).deliveries.count == 1)
        }
    }

    @Test(arguments: Engine.enabled) func aHeldEndpointCanBeDeleted(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claimAsNode(endpoint, limit: 2, lease: lease).deliveries
            try await harness.answer([claims[0]], status: 429, retryAfter: "3600")

            try await harness.store.write { [endpoints = harness.endpoints] tx in
                try endpoints.delete(endpoint, in: tx)
            }
            while try await harness.store.write({ tx in try DispatcherWork.clearDeleted(in: tx) }) {}
            try await harness.answer([claims[1]], status: 429, retryAfter: "3600", version: 1)

            #expect(try await harness.deliveries(to: endpoint).allSatisfy { $0.state == .cancelled })
        }
    }

    /// Each of what was held and is let go takes a place, too.
    @Test(arguments: Engine.enabled) func aReleaseKeepsThePace(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(5)
            try await harness.change(endpoint) { $0.release = Release(rate: nil, through: 5) }
            let lease = Lease(at: harness.clock.now())
            try await harness.answer(
                try await harness.claimAsNode(endpoint, limit: 16, lease: lease).deliveries, status: 429)
            harness.clock.advance(by: .seconds(2))

            let first = try await harness.claimAsNode(endpoint, limit: 16, lease: lease).deliveries
            try await harness.answer(first, status: 200, isPaced: true)
            let second = try await harness.claimAsNode(endpoint, limit: 16, lease: lease).deliveries

            #expect(first.count == 1 && second.isEmpty)
        }
    }
}

extension EngineHarness {
    func pace(of endpoint: EndpointID) async throws -> Pace {
        try await store.read { tx in
            try #require(try tx.rows("SELECT * FROM endpoint WHERE id = \(endpoint)").first.map(Pace.init))
        }
    }

    func set(holdUntil time: Timestamp, of endpoint: EndpointID) async throws {
        try await store.write { tx in _ = try tx.run("UPDATE endpoint SET hold_until = \(time) WHERE id = \(endpoint)")
        }
    }

    /// Claims as a node does that knows nothing of the endpoint.
    func claimAsNode(
        _ endpoint: EndpointID, limit: Int, lease: Lease
    ) async throws -> (deliveries: [ClaimedDelivery], pace: Pace) {
        let work = DispatcherWork(endpoints: endpoints)
        let request = ReadySet.Request(endpoint: endpoint, lane: .first, limit: limit)
        let claimed = try await store.write(.engine) { [clock] tx in
            try work.claim([request], lease: lease, at: clock.now(), in: tx)
        }
        guard case .taken(let endpoint, let deliveries, _) = claimed.first else { return ([], Pace()) }
        return (deliveries, endpoint.pace)
    }

    /// Stores the answers of a receiver to requests that were sent just now.
    func answer(
        _ claims: [ClaimedDelivery], status: Int, retryAfter: String? = nil, isPaced: Bool = false,
        version: Int64? = nil
    ) async throws {
        let headers = retryAfter.map { [(name: "Retry-After", value: $0)] } ?? []
        let result = AttemptResult(
            outcome: .response(statusCode: status), duration: .zero, responseHeaders: headers)
        let now = clock.now()
        try await store.write(.engine) { tx in
            let attempts = try claims.map { claim in
                let present: Int64? = try tx.value(
                    "SELECT version AS value FROM endpoint WHERE id = \(claim.endpointID)")
                return RecordedAttempt(
                    claim: claim, endpointVersion: version ?? present ?? 1, startedAt: now, result: result,
                    verdict: Verdict(of: result, step: claim.step, at: now, schedule: .standard, jitter: 0),
                    hold: Hold(of: result, at: now, jitter: 0), isPaced: isPaced)
            }
            _ = try ResultQueries.record(attempts, in: tx)
        }
    }
}
