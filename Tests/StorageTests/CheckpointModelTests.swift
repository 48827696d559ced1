import Testing

/// Every order of steps of a server's writer, its checkpointer and a second process on one log, in small.
///
/// A checkpoint reads the length of the log, then how much of it was copied before, then copies the rest. With SQLite's
/// bug, a commit that starts the log afresh between the first two makes the checkpoint take pages of the new log for
/// copied (https://www.sqlite.org/wal.html#walresetbug).
struct CheckpointModelTests {
    @Test func noOrderOfStepsLosesAPageWhenTheWriteLockIsHeld() {
        let explored = LogModel.explore(.holdingTheLock, secondCheckpoints: false)

        #expect(explored.loss == nil)
        // The model would prove nothing if the log never started afresh, or nobody met anybody.
        #expect(explored.hasReset && explored.states > 100)
    }

    @Test(
        arguments: [
            (.beside, false), (.lockedIfFree, false), (.holdingTheLock, true),
        ] as [(LogModel.Rule, Bool)])
    func otherRulesLosePages(rule: LogModel.Rule, secondCheckpoints: Bool) {
        #expect(LogModel.explore(rule, secondCheckpoints: secondCheckpoints).loss != nil)
    }
}

/// The log, the database and who works on them. A commit writes one page of its own.
struct LogModel: Hashable {
    /// How the server checkpoints.
    enum Rule: Sendable {
        /// Beside the writer, with no lock that keeps anybody from committing: SQLite's PASSIVE.
        case beside
        /// Under the write lock when it is free, without it when it is not: SQLite's FULL, RESTART and TRUNCATE.
        case lockedIfFree
        /// Under the write lock, or not at all.
        case holdingTheLock
    }

    private enum Step: Hashable {
        case idle
        case begun
        case knowsLength(Int)
        case copies(from: Int, to: Int)
    }

    private struct Checkpoint: Hashable {
        var step = Step.idle
        var left: Int
        var holdsWriteLock = false
    }

    /// Pages by frame, of the log since it last started afresh.
    private var frames: [Int] = []
    private var backfilled = 0
    private var database: Set<Int> = []
    private var committed = 0
    private var isWriteLocked = false
    private var isCheckpointLocked = false
    private var hasReset = false
    /// What the server's writer and the second process may still do: begin a commit, and end it.
    private var commitsLeft = [2, 2]
    private var isCommitting = [false, false]
    /// Those of the server and of the second process.
    private var checkpoints: [Checkpoint]

    /// Gives the first state in which a committed page cannot be read; nil when there is none.
    static func explore(_ rule: Rule, secondCheckpoints: Bool) -> (loss: LogModel?, states: Int, hasReset: Bool) {
        let start = LogModel(checkpoints: [Checkpoint(left: 2), Checkpoint(left: secondCheckpoints ? 1 : 0)])
        var seen: Set<LogModel> = [start]
        var open = [start]
        var hasReset = false
        while let state = open.popLast() {
            if state.isPageLost { return (state, seen.count, hasReset) }
            hasReset = hasReset || state.hasReset
            for next in state.successors(rule) where seen.insert(next).inserted { open.append(next) }
        }
        return (nil, seen.count, hasReset)
    }

    private init(checkpoints: [Checkpoint]) {
        self.checkpoints = checkpoints
    }

    /// A reader looks at the frames that count as not copied, then at the database.
    private var isPageLost: Bool {
        let readable = database.union(frames.dropFirst(backfilled))
        return (0..<committed).contains { !readable.contains($0) }
    }

    private func successors(_ rule: Rule) -> [LogModel] {
        (0...1).flatMap { process in
            // The second process checkpoints as SQLite does by itself.
            [commit(process), checkpoint(process, process == 0 ? rule : .beside)].compactMap(\.self)
        }
    }

    private func commit(_ process: Int) -> LogModel? {
        var next = self
        if isCommitting[process] {
            if frames.count == backfilled, !frames.isEmpty {
                (next.frames, next.backfilled, next.hasReset) = ([], 0, true)
            }
            next.frames.append(committed)
            next.committed += 1
            next.isCommitting[process] = false
            next.isWriteLocked = false
            return next
        }
        // The server's writer does nothing else while its checkpointer has the thread.
        let isBusy = process == 0 && checkpoints[0].holdsWriteLock
        guard commitsLeft[process] > 0, !isWriteLocked, !isBusy else { return nil }
        next.commitsLeft[process] -= 1
        next.isCommitting[process] = true
        next.isWriteLocked = true
        return next
    }

    private func checkpoint(_ process: Int, _ rule: Rule) -> LogModel? {
        var next = self
        switch checkpoints[process].step {
        case .idle:
            guard checkpoints[process].left > 0, !isCheckpointLocked else { return nil }
            if rule == .holdingTheLock, isWriteLocked { return nil }
            if rule != .beside, !isWriteLocked {
                next.isWriteLocked = true
                next.checkpoints[process].holdsWriteLock = true
            }
            next.isCheckpointLocked = true
            next.checkpoints[process].left -= 1
            next.checkpoints[process].step = .begun
        case .begun:
            next.checkpoints[process].step = .knowsLength(frames.count)
        case .knowsLength(let length):
            guard backfilled < length else { return next.ended(process) }
            next.checkpoints[process].step = .copies(from: backfilled, to: length)
        case .copies(let from, let to) where from < to:
            if frames.indices.contains(from) { next.database.insert(frames[from]) }
            next.checkpoints[process].step = .copies(from: from + 1, to: to)
        case .copies(_, let to):
            next.backfilled = to
            return next.ended(process)
        }
        return next
    }

    private func ended(_ process: Int) -> LogModel {
        var next = self
        next.isCheckpointLocked = false
        next.checkpoints[process].step = .idle
        if checkpoints[process].holdsWriteLock {
            next.isWriteLocked = false
            next.checkpoints[process].holdsWriteLock = false
        }
        return next
    }
}
