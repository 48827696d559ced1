import HTTPSMSWebhooks
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// What an owner sets beside what is documented: how fast, how many at once, how long, how often again.
@Suite(.timeLimit(.minutes(15))) struct EndpointPlanTests {
    @Test(arguments: Engine.enabled) func aPlanIsStoredAndTakenBack(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            #expect(try await harness.endpoint(id).plan == .documented)
            let day: Duration = .seconds(86_400)
            for delays in [[], [.seconds(1)], [day, day, day]] {
                let schedule: RetrySchedule? = RetrySchedule(own: delays)
                #expect(schedule != nil)
                let plan = EndpointPlan(rate: 0.02, maxInFlight: 1, timeout: .seconds(30), schedule: schedule)
                try await harness.change(id) { $0.plan = plan }
                #expect(try await harness.endpoint(id).plan == plan)
            }
            try await harness.change(id) { $0.plan = .documented }
            #expect(try await harness.endpoint(id).plan == .documented)
        }
    }

    @Test(
        arguments: [
            ([], true), ([.seconds(1)], true), (Array(repeating: .seconds(3_600), count: 20), true),
            (Array(repeating: .seconds(1), count: 21), false), ([.milliseconds(999)], false), ([.seconds(-1)], false),
            ([.seconds(72 * 3_600)], true), ([.seconds(72 * 3_600), .seconds(1)], false),
            ([.seconds(Int64.max), .seconds(Int64.max)], false),
        ] as [([Duration], Bool)]) func waitsOfAnOwnerHaveBounds(delays: [Duration], isTaken: Bool)
    {
        #expect(RetrySchedule(own: delays)?.delays == (isTaken ? delays : nil))
    }

    /// One request in 2 s, whichever node sends it, also right after one that went well or that was refused.
    @Test(arguments: Engine.enabled) func nodesTakePlacesOfTheOwnersRate(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.plan.rate = 0.5 }
            try await harness.emit(20)
            let nodes = (0..<3).map { _ in Lease(at: harness.clock.now()) }

            var taken: [Int] = []
            for step in 0..<16 {
                var count = 0
                for node in nodes {
                    let claims = try await harness.claimAsNode(endpoint, limit: 16, lease: node).deliveries
                    count += claims.count
                    try await harness.answer(claims, status: step == 4 ? 503 : 200, isPaced: true)
                }
                taken.append(count)
                harness.clock.advance(by: .milliseconds(500))
            }

            #expect(taken == (0..<16).map { $0.isMultiple(of: 4) ? 1 : 0 })
        }
    }

    /// A clock that was set back leaves no place further ahead than a minute.
    @Test(arguments: [(0.5, 1), (100, 5), (500, 25)]) func placesOfTheOwnersRateAreShortAhead(rate: Double, burst: Int)
        throws
    {
        let now = Timestamp(microseconds: 1_784_715_329_814_000)
        let interval = try #require(EndpointPlan(rate: rate).interval)
        var pace = Pace()
        #expect(pace.burst(every: interval) == burst)
        pace.book(burst, every: interval, at: now)

        #expect(pace.hold(at: now) == now + interval * burst)
        #expect(pace.hold(at: now + interval * burst) == nil)
        #expect(pace.hold(at: now - .seconds(3_600)) == nil)
    }

    @Test(arguments: Engine.enabled) func allNodesTogetherHaveSoManyUnderWay(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let other = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.plan.maxInFlight = 3 }
            try await harness.emit(10)
            let nodes = (0..<2).map { _ in Lease(at: harness.clock.now()) }
            #expect(try await harness.claimAsNode(other, limit: 5, lease: nodes[0]).deliveries.count == 5)

            let first = try await harness.claimAsNode(endpoint, limit: 2, lease: nodes[0]).deliveries
            let second = try await harness.claimAsNode(endpoint, limit: 16, lease: nodes[1]).deliveries
            let (none, pace) = try await harness.claimAsNode(endpoint, limit: 16, lease: nodes[0])
            #expect(first.count == 2 && second.count == 1 && none.isEmpty)
            #expect(pace.hold(at: harness.clock.now()) != nil, "it has to look again: what is due stays due")

            try await harness.answer([first[0]], status: 200)
            #expect(try await harness.claimAsNode(endpoint, limit: 16, lease: nodes[1]).deliveries.count == 1)
        }
    }

    @Test(arguments: Engine.enabled) func requestsUnderWayNeverExceedWhatTheOwnerSet(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.plan.maxInFlight = 2 }
            let underWay = Mutex((now: 0, most: 0))
            let sender = ScriptedSender { _, _ in
                underWay.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                await Task.yield()
                underWay.withLock { $0.now -= 1 }
                return .response(statusCode: 200)
            }
            try await harness.emit(40)
            try await harness.dispatching(sender) { _ in
                try await until("all are taken") { try await harness.count(.succeeded) == 40 }
            }
            #expect(underWay.withLock { $0.most } <= 2)
        }
    }

    /// The attempt after the last of its own waits is the last, and 429 waits no longer than they say.
    @Test(arguments: [([], .failed), ([30], .retry(30)), ([30, 1], .retry(30))] as [([Int], Expected)])
    func aDeliveryFollowsTheWaitsOfItsOwner(seconds: [Int], expected: Expected) async throws {
        let clock = ManualClock()
        let sender = ScriptedSender(500)
        let runner = AttemptRunner(sender: sender, schedule: .standard, clock: clock, version: "1")
        var endpoint = EngineHarness.endpoint()
        endpoint.plan.schedule = RetrySchedule(own: seconds.map { .seconds($0) })
        #expect(endpoint.plan.schedule != nil)
        endpoint.plan.timeout = .seconds(17)

        guard case .made(let attempt) = await runner.attempt(EngineHarness.claim(of: endpoint), to: endpoint) else {
            Issue.record("nothing was sent")
            return
        }

        #expect(sender.limits == [.seconds(17)])
        switch (expected, attempt.verdict) {
        case (.failed, .failed): break
        case (.retry(let wait), .retry(let at)):
            #expect((.seconds(wait)...Duration.seconds(wait) * 1.2).contains(at - clock.now()))
        default: Issue.record("\(attempt.verdict)")
        }
    }

    /// What follows a failure.
    enum Expected: Sendable {
        case failed
        case retry(Int)
    }

    /// Neither a start nor a step back takes a wait of two days for one that a clock has left ahead.
    @Test(arguments: Engine.enabled) func waitsOfAnOwnerAreNotPulledIn(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let (own, other) = (try await harness.addEndpoint(), try await harness.addEndpoint())
            try await harness.change(own) { $0.plan.schedule = RetrySchedule(own: [.seconds(2 * 86_400)]) }
            try await harness.emit(2)
            let lease = Lease(at: harness.clock.now())
            let now = harness.clock.now()
            let due = now + .seconds(2 * 86_400)
            for endpoint in [own, other] {
                let claims = try await harness.claim(endpoint, lease: lease)
                try await harness.record([claims[0]], .retry(at: due), lease: lease)
                // This one is under way, and may be handed back.
                try await harness.store.write { tx in
                    _ = try tx.run("UPDATE delivery SET due_at = \(due) WHERE id = \(claims[1].id)")
                }
            }

            try await harness.pullIn(nil)

            #expect(try await harness.deliveries(to: own).allSatisfy { $0.dueAt == due })
            #expect(try await harness.deliveries(to: other).allSatisfy { $0.dueAt == now + .seconds(1) })
        }
    }

    /// Half a minute is longer than a lease holds: an attempt that is under way when it ends is given up, and does not count while
    /// its request is not written.
    @Test(arguments: Engine.enabled) func aLongRequestEndsWithItsLease(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            try await harness.change(id) { $0.plan.timeout = .seconds(30) }
            let lease = OwnLease(Lease(at: harness.clock.now()), until: harness.clock.boot() + .seconds(7.5))
            let gate = Gate()
            let sender = ScriptedSender { _, number in
                number == 1 ? await gate.outcome(.response(statusCode: 200)) : .response(statusCode: 200)
            }
            try await harness.emit()
            try await harness.dispatching(sender, lease: lease) { _ in
                try await sender.untilSent(1)
                try await until("it is given back") { try await harness.count(.pending) == 1 }
                #expect(try await harness.attempts(of: id).isEmpty)
                lease.set(lease.current, until: harness.clock.boot() + .seconds(60))
                try await until("it is taken") { try await harness.count(.succeeded) == 1 }
            }
            #expect(sender.requests.count == 2)
        }
    }

    /// Its owner allows it, and all others pay for it with slots.
    @Test(arguments: [(4.9, 12), (5.1, 4)]) func whatTookLongSharesTheSlotsOfSlowOnes(seconds: Double, slots: Int) {
        let now = Timestamp(microseconds: 1_784_715_329_814_000)
        var limits = ReadySet.Limits()
        (limits.slots, limits.firstWindow, limits.lastWindow, limits.newcomers) = (16, 16, 16, 1)
        let id = EndpointID(trusted: "patient")
        var ready = ReadySet(limits: limits)
        ready.add(id, lane: .first, dueAt: now)
        for request in ready.plan(at: now) {
            ready.claimed(request, count: 1, of: EngineHarness.endpoint(id), at: now)
            ready.finished(id, .succeeded, took: .seconds(seconds), retryAt: nil, at: now)
        }
        ready.add(id, lane: .first, dueAt: now)

        #expect(ready.plan(at: now).map(\.limit) == [slots])
    }

    /// Known from the first claim on, and for as long as the webhook is the same.
    @Test func aNodeAsksForNoMoreThanTheOwnerWants() {
        let now = Timestamp(microseconds: 1_784_715_329_814_000)
        var ready = ReadySet(limits: .forTests)
        var endpoint = EngineHarness.endpoint()
        for (most, expected) in [(3, 2), (1, 0), (nil, 15)] as [(Int?, Int)] {
            endpoint.plan.maxInFlight = most
            ready = ReadySet(limits: .forTests)
            ready.add(endpoint.id, lane: .first, dueAt: now)
            for request in ready.plan(at: now) { ready.claimed(request, count: 1, of: endpoint, at: now) }
            ready.add(endpoint.id, lane: .first, dueAt: now)

            #expect(ready.plan(at: now).map(\.limit) == (expected == 0 ? [] : [expected]))
        }
    }
}

extension EngineHarness {
    /// An endpoint as users make it.
    fileprivate static func endpoint(_ id: EndpointID = EndpointID(trusted: "endpoint")) -> Endpoint {
        let now = ManualClock().now()
        return Endpoint(
            id: id, userID: userID, url: "https://receiver.example/hook", signingKey: nil,
            eventTypes: [.heartbeatOffline], owners: [owner], createdAt: now, updatedAt: now)
    }

    fileprivate static func claim(of endpoint: Endpoint) -> ClaimedDelivery {
        let now = ManualClock().now()
        return ClaimedDelivery(
            id: DeliveryID(at: now), lease: Lease(at: now), eventID: EventID(trusted: "event"), endpointID: endpoint.id,
            eventType: "phone.heartbeat.offline", sequence: 1, attempt: 1, step: 0, createdAt: now,
            body: Array("{}".utf8))
    }

    fileprivate func endpoint(_ id: EndpointID) async throws -> Endpoint {
        try await store.read { [endpoints] tx in try #require(try endpoints.find(id, userID: Self.userID, in: tx)) }
    }
}
