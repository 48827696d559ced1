import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Receivers that take so many requests a second and answer 429 to all others, under the standard schedule. The ready set,
/// the pace, the verdicts and the schedule are the real ones; store, sender and clock are a model's.
struct RateLimitTests {
    /// How a receiver counts.
    enum Counting: CaseIterable {
        /// In each second of the clock, as simple counters do.
        case fixedSecond
        /// In the second that ends now.
        case slidingSecond
        /// A bucket of so many tokens.
        case bucket
    }

    @Test(
        arguments: [(events: 400, limit: 1), (300, 5), (500, 50)],
        Counting.allCases.flatMap { counting in [nil, "1", "2.5"].map { (counting, $0) } })
    func aBurstIsDeliveredWithFewRefusals(load: (events: Int, limit: Int), receiver: (Counting, String?)) async throws {
        for nodes in [1, 3] {
            let seed = UInt64.random(in: .min ... .max)
            let world = try await computing {
                var world = LimitedWorld(
                    seed: seed, nodes: nodes, limit: load.limit, counting: receiver.0, retryAfter: receiver.1)
                world.run(events: load.events, over: .seconds(3), until: .seconds(40_000))
                return world
            }

            let told = "seed \(seed), \(nodes) nodes: \(world.summary)"
            #expect(world.delivered == load.events && world.failed == 0, "\(told)")
            #expect(world.refused * 5 <= world.requests, "\(told)")
            // Halved and grown again, the pace is three quarters of what is allowed; and a delivery that was refused three
            // times waits for a minute by its schedule.
            let bound = .seconds(3) * (Double(load.events) / Double(load.limit)) + .seconds(120)
            #expect(world.elapsed <= bound, "\(told)")
        }
    }

    @Test func aRestartKeepsThePace() {
        var world = LimitedWorld(seed: 3, nodes: 1, limit: 5, counting: .slidingSecond, retryAfter: nil)
        world.restarts = .seconds(1)

        world.run(events: 300, over: .seconds(3))

        #expect(world.delivered == 300 && world.refused * 5 <= world.requests, "\(world.summary)")
    }

    @Test func aWebhookThatRefusesAllTheTimeIsAskedSeldom() {
        var world = LimitedWorld(seed: 1, nodes: 1, limit: 0, counting: .slidingSecond, retryAfter: nil)

        world.run(events: 400, over: .seconds(3), until: .seconds(3_600))

        #expect(world.requests < 120, "one a minute: \(world.summary)")
        #expect(world.failed <= world.requests / 5, "what was not tried loses no try")
    }

    @Test func anOutageThatEndsIsFollowedByFullSpeed() {
        var world = LimitedWorld(seed: 2, nodes: 1, limit: 100_000, counting: .slidingSecond, retryAfter: nil)
        world.outage = .seconds(1)...Duration.seconds(600)

        world.run(events: 3_000, over: .seconds(600))

        #expect(world.delivered == 3_000, "\(world.summary)")
        #expect(world.elapsed < .seconds(1_200), "\(world.summary)")
    }
}

/// A store, nodes and a receiver with a limit.
private struct LimitedWorld: Sendable {
    private struct Delivery {
        var lane = DeliveryLane.first
        var dueAt: Timestamp
        var step = 0
        var attempts = 0
    }

    private struct Result {
        let at: Timestamp
        let node: Int
        let delivery: Int
        let status: Int
        let startedAt: Timestamp
        let isPaced: Bool
        let rate: Int
    }

    private let endpoint = EndpointID(trusted: "limited")
    private let start = Timestamp(microseconds: 1_784_715_329_814_000)
    private let limit: Int
    private let counting: RateLimitTests.Counting
    private let retryAfter: String?
    private var random: SplitMix64
    private var now: Timestamp
    private var nodes: [ReadySet] = []
    private var pace = Pace()
    private var deliveries: [Int: Delivery] = [:]
    private var results: [Result] = []
    private var taken: [Timestamp] = []
    private var tokens: Double
    private var refilledAt: Timestamp

    private(set) var (delivered, failed, requests, refused) = (0, 0, 0, 0)
    /// When it answers 503 to everything.
    var outage: ClosedRange<Duration>?
    /// How often all nodes forget what they know.
    var restarts: Duration?

    var elapsed: Duration { now - start }
    var summary: String {
        "\(requests) requests, \(refused) refused, \(delivered) delivered, \(failed) failed, \(deliveries.count) open, \(elapsed)"
    }

    init(seed: UInt64, nodes: Int, limit: Int, counting: RateLimitTests.Counting, retryAfter: String?) {
        random = SplitMix64(state: seed)
        now = start
        self.nodes = Array(repeating: ReadySet(limits: .init()), count: nodes)
        self.limit = limit
        self.counting = counting
        self.retryAfter = retryAfter
        tokens = Double(limit)
        refilledAt = start
    }

    mutating func run(events: Int, over time: Duration, until end: Duration = .seconds(7_200)) {
        var emitted = 0
        var nextScan = start
        var nextRestart = restarts.map { start + $0 }
        while elapsed < end, emitted < events || !deliveries.isEmpty {
            while emitted < events, start + time * (Double(emitted) / Double(events)) <= now {
                deliveries[emitted] = Delivery(dueAt: now)
                for node in nodes.indices { nodes[node].add(endpoint, lane: .first, dueAt: now) }
                emitted += 1
            }
            while let first = results.first, first.at <= now {
                results.removeFirst()
                store(first)
            }
            if let due = nextRestart, let restarts, due <= now, results.isEmpty {
                nodes = nodes.map { _ in ReadySet(limits: .init()) }
                nextRestart = now + restarts
                nextScan = now
            }
            if nextScan <= now {
                nextScan = now + .seconds(1)
                for node in nodes.indices { nodes[node].replace(with: backlogs(), at: now) }
            }
            for node in nodes.indices { plan(node) }
            let nextEvent = emitted < events ? start + time * (Double(emitted) / Double(events)) : nil
            let times = [nextScan, nextEvent, results.first?.at] + nodes.map(\.nextDue)
            now = max(times.compactMap { $0 }.filter { $0 > now }.min() ?? nextScan, now + .microseconds(1))
        }
    }

    private func backlogs() -> [DeliveryQueries.Backlog] {
        var dueAt: [DeliveryLane: Timestamp] = [:]
        let inFlight = Set(results.map(\.delivery))
        for (id, delivery) in deliveries where !inFlight.contains(id) {
            dueAt[delivery.lane] = min(dueAt[delivery.lane] ?? delivery.dueAt, delivery.dueAt)
        }
        guard !dueAt.isEmpty else { return [] }
        return [DeliveryQueries.Backlog(endpoint: endpoint, dueAt: dueAt, version: 1, pace: pace)]
    }

    private mutating func plan(_ node: Int) {
        for request in nodes[node].plan(at: now) {
            var target = Endpoint(
                id: endpoint, userID: UserID("user"), url: "", signingKey: nil, eventTypes: [], owners: [],
                createdAt: now,
                updatedAt: now)
            var ids: [Int] = []
            let isPaced = pace.burst() != nil
            if pace.hold(at: now) == nil {
                let inFlight = Set(results.map(\.delivery))
                let limit = min(request.limit, pace.burst() ?? request.limit)
                ids = deliveries.filter { id, delivery in
                    delivery.lane == request.lane && delivery.dueAt <= now && !inFlight.contains(id)
                }.sorted { ($0.value.dueAt, $0.key) < ($1.value.dueAt, $1.key) }.prefix(limit).map(\.key)
                if !ids.isEmpty { pace.book(ids.count, at: now) }
            }
            target.pace = pace
            nodes[node].claimed(request, count: ids.count, of: target, at: now)
            for id in ids { attempt(id, node, isPaced: isPaced, rate: request.recentRate) }
        }
    }

    private mutating func attempt(_ id: Int, _ node: Int, isPaced: Bool, rate: Int) {
        requests += 1
        deliveries[id]?.attempts += 1
        if deliveries[id]?.attempts ?? 0 > 5 { Issue.record("a sixth request") }
        let isOut = outage?.contains(elapsed) ?? false
        let status = isOut ? 503 : isAllowed() ? 200 : 429
        if status != 200 { refused += 1 }
        let answered = now + .milliseconds(Int.random(in: 1...4, using: &random)) + .milliseconds(4)
        let place = results.firstIndex { $0.at > answered } ?? results.endIndex
        results.insert(
            Result(
                at: answered, node: node, delivery: id, status: status, startedAt: now, isPaced: isPaced, rate: rate),
            at: place)
    }

    private mutating func isAllowed() -> Bool {
        switch counting {
        case .bucket:
            tokens = min(tokens + Double((now - refilledAt).microseconds) / 1_000_000 * Double(limit), Double(limit))
            refilledAt = now
            if tokens < 1 { return false }
            tokens -= 1
            return true
        case .fixedSecond: taken.removeAll { $0.seconds != now.seconds }
        case .slidingSecond: taken.removeAll { now - $0 >= .seconds(1) }
        }
        if taken.count >= limit { return false }
        taken.append(now)
        return true
    }

    private mutating func store(_ result: Result) {
        guard var delivery = deliveries[result.delivery] else { return }
        let headers = result.status == 429 ? retryAfter.map { [(name: "Retry-After", value: $0)] } ?? [] : []
        let answer = AttemptResult(
            outcome: .response(statusCode: result.status), duration: .milliseconds(3), responseHeaders: headers)
        let verdict = Verdict(
            of: answer, step: delivery.step, at: now, schedule: .standard, jitter: .random(in: 0...1, using: &random))
        let hold = Hold(of: answer, at: now, jitter: .random(in: 0...1, using: &random))
        if let hold {
            pace.refused(hold, startedAt: result.startedAt, rate: result.rate)
        } else if result.isPaced {
            pace.succeeded(startedAt: result.startedAt, endedAt: now)
        }
        var retryAt: Timestamp?
        switch verdict {
        case .succeeded:
            delivered += 1
            deliveries[result.delivery] = nil
        case .retry(let at):
            retryAt = at
            delivery.lane = .retry
            delivery.dueAt = at
            delivery.step += 1
            deliveries[result.delivery] = delivery
        case .failed, .disabled:
            failed += 1
            deliveries[result.delivery] = nil
        }
        let signal = hold.map { ReadySet.Signal.refused(until: $0.until) }
        nodes[result.node].finished(
            endpoint, signal ?? .succeeded, took: .milliseconds(3), retryAt: retryAt, at: now)
    }
}
