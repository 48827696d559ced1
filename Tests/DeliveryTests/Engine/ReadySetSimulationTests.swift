import Storage
import Testing
import Timestamps

@testable import Delivery

/// Plays the dispatcher's part against a store that is a dictionary, at random.
struct ReadySetSimulationTests {
    @Test(arguments: (0..<4).map { _ in UInt64.random(in: .min ... .max) })
    func noSlotIsLostAndEverythingDueIsPlanned(seed: UInt64) async {
        print("seed of noSlotIsLostAndEverythingDueIsPlanned: \(seed)")
        var world = World(seed: seed)

        for step in 0..<1_500 {
            world.step()
            world.check(step)
            // The other tests share the two or more threads of this one.
            if step % 5 == 0 { await Task.yield() }
        }
        await world.drain()
    }
}

private struct World {
    private struct Delivery {
        var endpoint: EndpointID
        var lane: DeliveryLane
        var dueAt: Timestamp
    }

    private static let endpoints = (0..<12).map { EndpointID(trusted: "endpoint-\($0)") }
    /// Whose each endpoint is: four accounts have three each.
    private static let users = Dictionary(
        endpoints.enumerated().map { ($1, UserID("user-\($0 / 3)")) }, uniquingKeysWith: { $1 })

    private var random: SplitMix64
    private var ready: ReadySet
    private let limits: ReadySet.Limits
    private var now = Timestamp(microseconds: 1_784_715_329_814_000)
    private var pending: [Delivery] = []
    private var inFlight: [EndpointID] = []
    private var paused: Set<EndpointID> = []
    private var versions: [EndpointID: Int64] = [:]

    init(seed: UInt64) {
        random = SplitMix64(state: seed)
        var limits = ReadySet.Limits()
        limits.slots = Int.random(in: 1...80, using: &random)
        limits.firstWindow = Int.random(in: 1...8, using: &random)
        limits.lastWindow = 10
        limits.quantum = Int.random(in: 1...5, using: &random)
        self.limits = limits
        ready = ReadySet(limits: limits)
    }

    mutating func step() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...2: arrive()
        case 3: now = now + .milliseconds(Int.random(in: 0...1_500, using: &random))
        case 4: scan()
        case 5: pauseOrChange()
        case 6...7: plan(failing: Int.random(in: 0..<20, using: &random) == 0)
        default: finish()
        }
    }

    /// Plain comparisons, for a hundred thousand `#expect` take many seconds without optimisation.
    func check(_ step: Int) {
        checkCounts(step)
        if ready.freeSlots != limits.slots - inFlight.count || ready.freeSlots < 0 {
            Issue.record("step \(step): \(ready.freeSlots) slots are free while \(inFlight.count) are in flight")
        }
        for endpoint in Self.endpoints where inFlight.count(where: { $0 == endpoint }) > limits.lastWindow {
            Issue.record("step \(step): \(endpoint) has more than its window")
        }
    }

    /// What is counted as slots are taken and freed is what adding up gives.
    private func checkCounts(_ step: Int) {
        var counts: [EndpointID: Int] = [:]
        for endpoint in inFlight { counts[endpoint, default: 0] += 1 }
        var (byStanding, byAccount) = ([ReadySet.Standing: Int](), [UserID: Int]())
        for (endpoint, count) in counts {
            guard let entry = ready.entries[endpoint] else {
                Issue.record("step \(step): \(endpoint) is forgotten, and has \(count) in flight")
                return
            }
            byStanding[entry.standing, default: 0] += count
            if let account = entry.account { byAccount[account, default: 0] += count }
        }
        if ready.taken.total != inFlight.count || ready.taken.byStanding != byStanding
            || ready.taken.byAccount != byAccount
        {
            Issue.record("step \(step): \(ready.taken), and it is \(byStanding) and \(byAccount)")
        }
    }

    /// Whoever takes of the reserve has few, and of the last half also its account.
    private func checkReserve(_ requests: [ReadySet.Request]) {
        var free = limits.slots - inFlight.count
        var counts: [EndpointID: Int] = [:]
        var accounts: [UserID: Int] = [:]
        for endpoint in inFlight {
            counts[endpoint, default: 0] += 1
            if let account = ready.entries[endpoint]?.account { accounts[account, default: 0] += 1 }
        }
        for request in requests {
            free -= request.limit
            counts[request.endpoint, default: 0] += request.limit
            let ofEndpoint = counts[request.endpoint] ?? 0
            var ofAccount = ofEndpoint
            if let account = ready.entries[request.endpoint]?.account {
                accounts[account, default: 0] += request.limit
                ofAccount = accounts[account] ?? 0
            }
            if free < limits.reservedSlots && ofEndpoint > limits.fewForEndpoint
                || free < limits.reservedForAccounts && ofAccount > limits.fewForAccount
            {
                Issue.record("\(request) leaves \(free) slots of \(limits.slots)")
            }
        }
    }

    /// Ends all that is open, as a dispatcher would do it: scan, plan, finish, sleep until the next due time.
    mutating func drain() async {
        paused = []
        var turns = 0
        while !pending.isEmpty || !inFlight.isEmpty {
            turns += 1
            await Task.yield()
            guard turns < 20_000 else {
                Issue.record("\(pending.count) pending and \(inFlight.count) in flight are never done")
                return
            }
            scan()
            plan(failing: false)
            while !inFlight.isEmpty { finish(alwaysSucceeds: true) }
            if let nextDue = ready.nextDue { now = max(now, nextDue) }
        }
        #expect(ready.freeSlots == limits.slots)
    }

    private mutating func arrive() {
        let endpoint = Self.endpoints.randomElement(using: &random)!
        // Some endpoints get backlogs.
        let count = Int.random(in: 0..<10, using: &random) == 0 ? 50 : 1
        for _ in 0..<count { pending.append(Delivery(endpoint: endpoint, lane: .first, dueAt: now)) }
        // Some hints are lost.
        if Int.random(in: 0..<4, using: &random) > 0 { ready.add(endpoint, lane: .first, dueAt: now) }
    }

    private mutating func scan() {
        var dueAt: [EndpointID: [DeliveryLane: Timestamp]] = [:]
        for delivery in pending where !paused.contains(delivery.endpoint) {
            let known = dueAt[delivery.endpoint]?[delivery.lane] ?? delivery.dueAt
            dueAt[delivery.endpoint, default: [:]][delivery.lane] = min(known, delivery.dueAt)
        }
        // Some scans do not say whose the endpoints are.
        let isTelling = Bool.random(using: &random)
        let backlogs = dueAt.sorted { $0.key < $1.key }.map { endpoint, dueAt in
            DeliveryQueries.Backlog(
                endpoint: endpoint, userID: isTelling ? Self.users[endpoint] : nil, dueAt: dueAt,
                version: versions[endpoint] ?? 1)
        }
        ready.replace(with: backlogs, at: now)
    }

    private mutating func pauseOrChange() {
        let endpoint = Self.endpoints.randomElement(using: &random)!
        if Bool.random(using: &random) {
            versions[endpoint, default: 1] += 1
            return
        }
        if paused.remove(endpoint) == nil { paused.insert(endpoint) }
    }

    private mutating func plan(failing: Bool) {
        let requests = ready.plan(at: now)
        checkReserve(requests)
        for request in requests {
            let count = inFlight.count { $0 == request.endpoint } + request.limit
            if request.limit < 1 || count > limits.lastWindow || ready.freeSlots < 0 {
                Issue.record("\(request) with \(ready.freeSlots) slots left")
            }
            guard !failing else {
                ready.claimed(request, count: 0, at: now)
                continue
            }
            let taken = take(request)
            inFlight += Array(repeating: request.endpoint, count: taken)
            let endpoint = claimed(request.endpoint)
            ready.claimed(request, count: taken, of: endpoint, at: now)
        }
    }

    /// The endpoint as a claim tells of it; some claims do not.
    private mutating func claimed(_ id: EndpointID) -> Endpoint? {
        guard let user = Self.users[id], Bool.random(using: &random) else { return nil }
        return Endpoint(
            id: id, userID: user, url: "https://receiver.example", signingKey: nil, eventTypes: [], owners: [],
            createdAt: now, updatedAt: now)
    }

    private mutating func take(_ request: ReadySet.Request) -> Int {
        guard !paused.contains(request.endpoint) else { return 0 }
        var taken = 0
        pending.removeAll { delivery in
            guard taken < request.limit, delivery.endpoint == request.endpoint, delivery.lane == request.lane,
                delivery.dueAt <= now
            else { return false }
            taken += 1
            return true
        }
        return taken
    }

    private mutating func finish(alwaysSucceeds: Bool = false) {
        guard let index = inFlight.indices.randomElement(using: &random) else { return }
        let endpoint = inFlight.remove(at: index)
        let took: Duration = alwaysSucceeds ? .zero : .milliseconds(Int.random(in: 1...4_000, using: &random))
        let until = now + .milliseconds(Int.random(in: 1_000...3_000, using: &random))
        let signals: [ReadySet.Signal] = [
            .succeeded, .succeeded, .neutral, .overloaded, .timedOut, .refused(until: until),
        ]
        let signal = alwaysSucceeds ? .succeeded : signals.randomElement(using: &random)!
        var retryAt: Timestamp?
        if ![.succeeded, .neutral].contains(signal) {
            let dueAt = now + .milliseconds(Int.random(in: 1_000...10_000, using: &random))
            pending.append(Delivery(endpoint: endpoint, lane: .retry, dueAt: dueAt))
            retryAt = dueAt
        }
        ready.finished(endpoint, signal, took: took, retryAt: retryAt, at: now)
    }
}
