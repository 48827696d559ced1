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

/// The writes that wait, by lane and in order of arrival.
struct WriteQueue {
    /// Writes that may wait in one lane: a second of full load; who comes later is better told at once.
    static let limit = 4_096

    /// What became of a write that wanted to wait.
    enum Admission {
        /// It waits, and somebody empties the queue.
        case waiting
        /// It waits, and the caller has to start emptying the queue.
        case waitingForDrain
        case full
        case closed
    }

    private var lanes: [FirstInFirstOut<PendingWrite>] = WriteLane.allCases.map { _ in FirstInFirstOut() }
    private var isDraining = false
    private var isClosed = false
    /// Groups that ended while a maintenance body was left waiting, since the last that ran one.
    private var groupsWithoutMaintenance = 0

    /// How many wait in `lane`.
    func count(_ lane: WriteLane) -> Int { lanes[lane.rawValue].count }

    mutating func add(_ write: PendingWrite, to lane: WriteLane) -> Admission {
        guard !isClosed else { return .closed }
        guard count(lane) < Self.limit else { return .full }
        lanes[lane.rawValue].append(write)
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
        guard lanes.contains(where: { $0.count > 0 }) else {
            isDraining = false
            return nil
        }
        return WriteGroupShares(groupsWithoutMaintenance: groupsWithoutMaintenance)
    }

    /// The next write of the group; nil when the group is complete.
    mutating func take(_ shares: inout WriteGroupShares, at now: ContinuousClock.Instant) -> PendingWrite? {
        let lane = shares.next(at: now) { count($0) > 0 }
        guard let lane else {
            if count(.maintenance) == 0 || shares.hasTaken(.maintenance) {
                groupsWithoutMaintenance = 0
            } else {
                groupsWithoutMaintenance += 1
            }
            return nil
        }
        return lanes[lane.rawValue].popFirst()
    }

    /// Takes everything that waits.
    mutating func takeAll() -> [PendingWrite] {
        var all: [PendingWrite] = []
        for lane in lanes.indices {
            while let write = lanes[lane].popFirst() { all.append(write) }
        }
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
