import Timestamps

/// What of refusals goes to the log: each kind once a minute, and at most ``bound`` kinds, whoever causes them.
struct RefusalLog: Sendable {
    private var seen: Set<String> = []
    private var begin: ContinuousClock.Instant?
    private var silent = 0

    static let interval: Duration = .seconds(60)
    static let bound = 20

    /// How many were not logged since the last line; nil when this one is not logged either.
    mutating func note(_ kind: String, at now: ContinuousClock.Instant) -> Int? {
        if begin.map({ now - $0 >= Self.interval }) ?? true {
            begin = now
            seen = []
        }
        guard seen.count < Self.bound, seen.insert(kind).inserted else {
            silent = silent.clampedAdding(1)
            return nil
        }
        defer { silent = 0 }
        return silent
    }
}
