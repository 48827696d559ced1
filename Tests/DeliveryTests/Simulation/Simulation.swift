import HTTPSMSWebhooks
import Storage
import Timestamps

@testable import Delivery
@testable import Storage

/// One run of the engine under one seed: nodes over one store, in a world that misbehaves. Single-threaded; every
/// decision comes from the seed, so that a seed says all.
final class Simulation {
    /// What kinds of faults this run has: each run leaves some out, for faults hide each other.
    struct Faults {
        private(set) var crashes = false
        private(set) var lostAnswers = false
        private(set) var refusals = false
        private(set) var slowStore = false
        private(set) var freezes = false
        private(set) var shutdowns = false
        let clockSteps: Bool
        let users: Bool
        let lostHints: Bool
        let slowNames: Bool
        let spoiltRows: Bool

        /// In one run of four nothing happens that excuses a late attempt.
        init(_ choice: inout SplitMix64) {
            clockSteps = choice.chance(0.4)
            users = choice.chance(0.6)
            lostHints = choice.chance(0.4)
            slowNames = choice.chance(0.4)
            spoiltRows = choice.chance(0.3)
            if choice.chance(0.25) { return }
            crashes = choice.chance(0.5)
            lostAnswers = choice.chance(0.5)
            refusals = choice.chance(0.5)
            slowStore = choice.chance(0.4)
            freezes = choice.chance(0.4)
            shutdowns = choice.chance(0.3)
        }

        /// Whether an event may wait because of what happened to a node or to the store.
        var excuseLateness: Bool { crashes || lostAnswers || refusals || slowStore || freezes || shutdowns }
    }

    let seed: UInt64
    let twin: Twin?
    let faults: Faults
    let checks: Checks
    let store: SimulatedStore
    let endpointQueries: EndpointQueries
    /// Whether the last steps are noted: it takes as long as the run itself.
    let isTracing: Bool
    var world: SplitMix64
    var chaos: SplitMix64
    var machines: [SimulatedMachine] = []
    var nodes: [SimulatedNode] = []
    var receivers: [EndpointID: SimulatedReceiver] = [:]
    var endpoints: [EndpointID] = []
    /// The true time since the beginning.
    private(set) var now: Duration = .zero
    private(set) var steps = 0
    private(set) var counts: [String: Int] = [:]
    private(set) var trace: [String] = []
    private var queue = EventQueue()
    private var isCalm = false

    static let epoch = ContinuousClock.now
    static let start = Timestamp(seconds: 1_784_715_329)
    static let life: Duration = .seconds(20)
    static let retention: Duration = .seconds(30 * 86_400)
    /// Nothing is older by a clock that is right.
    static let oldest = start - retention
    static let schedule = RetrySchedule([.seconds(2), .seconds(5), .seconds(10), .seconds(20)]) ?? .standard
    /// How long faults happen; then the world is calm, and all that is due has to be done.
    static let stormTime: Duration = .seconds(25)
    static let calmTime: Duration = .seconds(900)

    init(
        seed: UInt64, twin: Twin? = nil, store: SimulatedStore, endpointQueries: EndpointQueries,
        isTracing: Bool = false
    ) {
        self.isTracing = isTracing
        self.seed = seed
        self.twin = twin
        self.store = store
        self.endpointQueries = endpointQueries
        let root = SplitMix64(state: seed)
        world = root.split(1)
        chaos = root.split(2)
        var choice = root.split(3)
        faults = Faults(&choice)
        checks = Checks()
        let count = choice.chance(0.4) ? 1 : Int.random(in: 2...3, using: &choice)
        for number in 0..<count {
            let clock = SimulatedClock(
                Instants(wall: Self.start, boot: Self.epoch), seed: root.split(10 + UInt64(number)).state)
            machines.append(SimulatedMachine(clock: clock, clocks: ClockGuard(clock), wallOffset: .zero))
        }
    }

    /// Whether only one process works on the store, as on SQLite.
    var isAlone: Bool { machines.count == 1 }

    /// Runs to the end, or to the first invariant that is broken; nil when all is well.
    func run() throws -> Violation? {
        try store.reset()
        setClocks()
        try makeEndpoints()
        for number in machines.indices { try boot(number) }
        plan(after: .milliseconds(10)) { try $0.arrive() }
        plan(after: .seconds(1)) { try $0.misbehave() }
        plan(after: .seconds(5)) { try $0.prune() }
        while now < Self.stormTime, try step() {}
        try calm()
        let end = now + Self.calmTime
        while now < end, try step() {
            if steps % 50 == 0, try isQuiet() { break }
        }
        if checks.violation == nil { try checks.atEnd(self) }
        return checks.violation
    }

    /// The next event; false when there is none, or a check failed.
    private func step() throws -> Bool {
        guard checks.violation == nil, let event = queue.next() else { return false }
        now = max(now, event.at)
        steps += 1
        setClocks()
        try event.action(self)
        if steps % 400 == 0 { try checks.atRest(self) }
        return checks.violation == nil
    }

    /// Has `action` done later.
    func plan(after delay: Duration, _ action: @escaping (Simulation) throws -> Void) {
        queue.add(at: now + max(delay, .microseconds(1)), action)
    }

    /// Has `action` done later by the process, unless it ends before; a frozen one does it when it wakes.
    func plan(after delay: Duration, on node: SimulatedNode, _ action: @escaping (Simulation) throws -> Void) {
        plan(after: delay) { world in
            guard node.isAlive else { return }
            let frozenUntil = world.machines[node.number].frozenUntil
            if frozenUntil > world.now {
                return world.plan(after: frozenUntil - world.now, on: node, action)
            }
            try action(world)
        }
    }

    /// Runs a transaction of a process.
    func transact<T>(_ node: SimulatedNode, _ body: (any Transaction) throws -> T) throws -> T {
        let (value, actions) = try store.run(
            at: node.transactionTime.advance(), databaseTime: isAlone ? node.clock.now() : Self.start + now,
            wakeups: node.wakeups, rewrite: twin?.rewrite, body)
        for action in actions { action() }
        if !actions.isEmpty { wake(node) }
        return value
    }

    /// A commit of a client's request, which some process that runs takes.
    func request(_ name: String, _ body: (any Transaction) throws -> Void) throws {
        guard
            let node = nodes.filter({ $0.isAlive && machines[$0.number].frozenUntil <= now }).randomElement(
                using: &world)
        else { return }
        note(node, name)
        try transact(node, body)
        if faults.lostHints, !isCalm, chaos.chance(0.3) { _ = node.wakeups.takeKeys(.deliveries) }
    }

    /// Adds to the trace, when one is wanted.
    func note(_ node: SimulatedNode?, _ words: @autoclosure () -> String) {
        guard isTracing else { return }
        trace.append("\(now.seconds) \(node?.name ?? "world") | \(words())")
    }

    func count(_ fault: String) { counts[fault, default: 0] += 1 }

    var isStorming: Bool { !isCalm }

    /// Ends all faults; clocks stay where they were set.
    private func calm() throws {
        isCalm = true
        note(nil, "calm")
        for number in machines.indices { machines[number].frozenUntil = .zero }
        for endpoint in endpoints where receivers[endpoint] != .gone { receivers[endpoint] = .healthy }
        for number in machines.indices where !nodes.contains(where: { $0.number == number && $0.isAlive }) {
            try boot(number)
        }
    }

    private func setClocks() {
        for machine in machines {
            machine.clock.set(Instants(wall: Self.start + now + machine.wallOffset, boot: Self.epoch + now))
        }
    }

    /// Whether nothing waits that could be done.
    private func isQuiet() throws -> Bool {
        guard let node = nodes.last(where: \.isAlive) else { return false }
        return try transact(node) { tx in
            try tx.rows(
                """
                SELECT d.id
                FROM delivery d
                LEFT JOIN endpoint e ON e.id = d.endpoint_id
                WHERE d.state = 1 OR d.state = 0 AND COALESCE(e.status, 0) IN (0, 3)
                LIMIT 1
                """
            ).isEmpty
        }
    }
}

/// What is planned, in the order of true time; events of one moment in the order in which they were planned.
struct EventQueue {
    struct Event {
        let at: Duration
        let number: Int
        let action: (Simulation) throws -> Void
    }

    private var heap: [Event] = []
    private var number = 0

    mutating func add(at time: Duration, _ action: @escaping (Simulation) throws -> Void) {
        number += 1
        heap.append(Event(at: time, number: number, action: action))
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> Event? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let event = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            if least == parent { return event }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].number) < (heap[right].at, heap[right].number)
    }
}

extension Duration {
    /// For a table.
    var seconds: String {
        let milliseconds = self.microseconds / 1_000
        return "\(milliseconds / 1_000).\(String(1_000 + milliseconds % 1_000).dropFirst())"
    }
}
