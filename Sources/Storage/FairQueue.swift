/// Who runs and who waits where room is short: keys take turns, and each has a bound of its own.
///
/// A key is an account. One with a thousand jobs waiting delays another's first job by the end of one running job at
/// most, and never takes the last place as long as `runningPerKey` is below `running`.
struct FairQueue {
    /// How many run and wait.
    struct Limits: Equatable, Sendable {
        /// Jobs that run at a time, of all keys.
        var running: Int
        /// Jobs of one key that run at a time.
        var runningPerKey: Int
        /// Jobs that wait, of all keys; beyond that, those of keys of which none waits.
        var waiting: Int
        /// Jobs of one key that wait.
        var waitingPerKey: Int
    }

    /// What became of a job that wants to run.
    enum Admission: Equatable {
        /// It runs, and ``finished(_:)`` follows.
        case runs
        /// It waits for ``next()``.
        case waits
        /// Too many jobs of its own key wait.
        case keyIsFull
        /// Too many jobs wait.
        case full
    }

    private struct Key {
        var running = 0
        var waiting: [UInt64] = []
        /// Whether it stands in `turns`, where it may stay for a while after its last job gave up.
        var hasTurn = false
    }

    private let limits: Limits
    private var keys: [String: Key] = [:]
    private var turns = FirstInFirstOut<String>()
    /// Jobs that run.
    private(set) var runningCount = 0
    /// Jobs that wait.
    private(set) var waitingCount = 0

    init(_ limits: Limits) {
        self.limits = limits
    }

    /// Lets the job run or wait; `mayRun` is false while nothing is to start.
    mutating func add(_ job: UInt64, key name: String, mayRun: Bool) -> Admission {
        var key = keys[name] ?? Key()
        // A job that may run at once overtakes those of keys that are at their bound, and nobody else.
        if mayRun, key.waiting.isEmpty, key.running < limits.runningPerKey, runningCount < limits.running {
            key.running += 1
            runningCount += 1
            keys[name] = key
            return .runs
        }
        guard key.waiting.count < limits.waitingPerKey else { return .keyIsFull }
        // However many others there are, nobody is kept out by them.
        guard waitingCount < limits.waiting || key.waiting.isEmpty else { return .full }
        key.waiting.append(job)
        waitingCount += 1
        if !key.hasTurn {
            key.hasTurn = true
            turns.append(name)
        }
        keys[name] = key
        return .waits
    }

    /// The next job that may run, which counts as running from now on; nil when none may.
    mutating func next() -> UInt64? {
        guard waitingCount > 0, runningCount < limits.running else { return nil }
        // Each key is looked at once; those at their bound are no more than there are jobs running.
        for _ in 0..<turns.count {
            guard let name = turns.popFirst(), var key = keys[name] else { continue }
            key.hasTurn = false
            var job: UInt64?
            if key.running < limits.runningPerKey, !key.waiting.isEmpty {
                job = key.waiting.removeFirst()
                key.running += 1
                runningCount += 1
                waitingCount -= 1
            }
            if !key.waiting.isEmpty {
                key.hasTurn = true
                turns.append(name)
            }
            keep(key, name)
            if let job { return job }
        }
        return nil
    }

    /// Says that a job of the key has ended.
    mutating func finished(_ name: String) {
        guard var key = keys[name] else { return }
        key.running -= 1
        runningCount -= 1
        keep(key, name)
    }

    /// Takes a job out that waits; false when it does not.
    mutating func remove(_ job: UInt64, key name: String) -> Bool {
        guard var key = keys[name], let index = key.waiting.firstIndex(of: job) else { return false }
        key.waiting.remove(at: index)
        waitingCount -= 1
        keep(key, name)
        return true
    }

    private mutating func keep(_ key: Key, _ name: String) {
        keys[name] = key.running == 0 && key.waiting.isEmpty && !key.hasTurn ? nil : key
    }
}
