import Synchronization

/// A write whose caller waits.
struct PendingWrite: Sendable {
    /// Hands the caller the value that the body gave.
    typealias Answer = @Sendable () -> Void

    /// Says that the body is about to run; false when the caller was cancelled, and has been told.
    let start: @Sendable () -> Bool
    /// Runs the body, which may happen more than once.
    let attempt: @Sendable (SQLiteTransaction) throws -> Answer
    /// Hands the caller an error instead.
    let fail: @Sendable (any Error) -> Void
}

/// Settles who is first: the writer that starts a body, or the cancellation that skips it.
final class WriteCancellation: Sendable {
    private enum Phase {
        case new
        case waiting(fail: @Sendable (any Error) -> Void)
        case started
        case cancelled
    }

    private let phase = Mutex(Phase.new)

    /// Says that the caller waits from now on; false, and the caller is told, when it was cancelled before.
    func wait(fail: @escaping @Sendable (any Error) -> Void) -> Bool {
        let isWaiting = phase.withLock { phase in
            guard case .new = phase else { return false }
            phase = .waiting(fail: fail)
            return true
        }
        if !isWaiting { fail(CancellationError()) }
        return isWaiting
    }

    /// Says that the body starts; false when it is to be skipped.
    func start() -> Bool {
        phase.withLock { phase in
            guard case .waiting = phase else { return false }
            phase = .started
            return true
        }
    }

    /// Skips the body unless it has started, and tells the caller.
    func cancel() {
        let fail: (@Sendable (any Error) -> Void)? = phase.withLock { phase in
            switch phase {
            case .new:
                phase = .cancelled
                return nil
            case .waiting(let fail):
                phase = .cancelled
                return fail
            case .started, .cancelled:
                return nil
            }
        }
        fail?(CancellationError())
    }
}

/// The writes that wait: by lane, those of clients with accounts in turn, else in order of arrival.
struct WriteQueue {
    /// What became of a write that wanted to wait.
    enum Admission {
        /// It waits, and somebody empties the queue.
        case waiting
        /// It waits, and the caller has to start emptying the queue.
        case waitingForDrain
        /// Too many of its own account wait.
        case accountIsFull
        case full
        case closed
    }

    private var engine = FirstInFirstOut<PendingWrite>()
    private var maintenance = FirstInFirstOut<PendingWrite>()
    /// Who of the clients is next, by the numbers of their writes; one that is next has had its turn at once.
    private var turns = FairQueue(
        FairQueue.Limits(
            running: 1, runningPerKey: 1, waiting: WriteLane.limit, waitingPerKey: WriteLane.limitPerAccount))
    private var requests: [UInt64: (turn: String, write: PendingWrite)] = [:]
    private var lastNumber: UInt64 = 0
    private var isDraining = false
    private var isClosed = false
    /// Groups that ended while a maintenance body was left waiting, since the last that ran one.
    private var groupsWithoutMaintenance = 0

    /// How many wait in lanes of a kind.
    func count(_ kind: WriteLane.Kind) -> Int {
        switch kind {
        case .engine: engine.count
        case .request: turns.waitingCount
        case .maintenance: maintenance.count
        }
    }

    mutating func add(_ write: PendingWrite, to lane: WriteLane) -> Admission {
        guard !isClosed else { return .closed }
        if let turn = lane.turn {
            lastNumber &+= 1
            switch turns.add(lastNumber, key: turn, mayRun: false) {
            case .runs, .waits: requests[lastNumber] = (turn, write)
            case .keyIsFull: return .accountIsFull
            case .full: return .full
            }
        } else {
            guard count(lane.kind) < WriteLane.limit else { return .full }
            if lane == .engine { engine.append(write) } else { maintenance.append(write) }
        }
        guard !isDraining else { return .waiting }
        isDraining = true
        return .waitingForDrain
    }

    /// Refuses every later write; those that wait are still done.
    mutating func close() {
        isClosed = true
    }

    /// Starts a group; nil, and the queue counts as idle, when nothing waits.
    mutating func beginGroup() -> WriteGroupShares? {
        guard WriteLane.Kind.allCases.contains(where: { count($0) > 0 }) else {
            isDraining = false
            return nil
        }
        return WriteGroupShares(groupsWithoutMaintenance: groupsWithoutMaintenance)
    }

    /// The next write of the group; nil when the group is complete.
    mutating func take(_ shares: inout WriteGroupShares, at now: ContinuousClock.Instant) -> PendingWrite? {
        switch shares.next(at: now, waiting: { count($0) > 0 }) {
        case .engine: return engine.popFirst()
        case .request: return nextRequest()
        case .maintenance: return maintenance.popFirst()
        case nil:
            if count(.maintenance) == 0 || shares.hasTaken(.maintenance) {
                groupsWithoutMaintenance = 0
            } else {
                groupsWithoutMaintenance += 1
            }
            return nil
        }
    }

    private mutating func nextRequest() -> PendingWrite? {
        guard let number = turns.next(), let (turn, write) = requests.removeValue(forKey: number) else { return nil }
        turns.finished(turn)
        return write
    }

    /// Takes everything that waits.
    mutating func takeAll() -> [PendingWrite] {
        var all: [PendingWrite] = []
        while let write = engine.popFirst() ?? nextRequest() ?? maintenance.popFirst() { all.append(write) }
        return all
    }
}

/// A queue whose both ends cost the same whatever its length.
struct FirstInFirstOut<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            elements[head] = nil
            head += 1
            if head > 64, head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}
