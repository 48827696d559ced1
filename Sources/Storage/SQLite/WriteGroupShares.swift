/// Who may still join the group of writes that share one COMMIT.
///
/// | lane | share of a group |
/// |---|---|
/// | engine | the first 2 that wait |
/// | request | as many as fit, at least one |
/// | maintenance | one when time is left, and one in every eighth group in any case |
///
/// A group ends at 128 bodies, or 5 ms after its first body that is not the engine's: engine bodies write hundreds of
/// rows, and would otherwise leave nothing to requests.
struct WriteGroupShares {
    /// At 128 bodies the cost of the flush is below a microsecond per body.
    static let bodyLimit = 128
    /// Bodies of the engine in one group: a claim and a batch of results.
    static let engineLimit = 2
    /// What a group may take, so that its first caller is not kept waiting for its last.
    static let timeLimit = Duration.milliseconds(5)
    /// Groups after which a maintenance body no longer waits for spare time.
    static let patience = 7

    private let maintenanceIsDue: Bool
    private var taken: [WriteLane.Kind: Int] = [:]
    private var firstInTime: ContinuousClock.Instant?

    /// Starts a group after `groupsWithoutMaintenance` in a row that left maintenance waiting.
    init(groupsWithoutMaintenance: Int) {
        maintenanceIsDue = groupsWithoutMaintenance >= Self.patience
    }

    /// Whether a body of `lane` is in the group.
    func hasTaken(_ lane: WriteLane.Kind) -> Bool { taken[lane] != nil }

    /// Chooses the lane of the next body among those that have one `waiting`; nil ends the group.
    mutating func next(at now: ContinuousClock.Instant, waiting: (WriteLane.Kind) -> Bool) -> WriteLane.Kind? {
        let lane = choice(at: now, waiting: waiting)
        guard let lane else { return nil }
        taken[lane, default: 0] += 1
        if lane != .engine, firstInTime == nil { firstInTime = now }
        return lane
    }

    private func choice(at now: ContinuousClock.Instant, waiting: (WriteLane.Kind) -> Bool) -> WriteLane.Kind? {
        guard taken.values.reduce(0, +) < Self.bodyLimit else { return nil }
        if waiting(.engine), taken[.engine, default: 0] < Self.engineLimit { return .engine }
        let hasTime = firstInTime.map { now - $0 < Self.timeLimit } ?? true
        let mayMaintain = waiting(.maintenance) && !hasTaken(.maintenance)
        if mayMaintain, maintenanceIsDue { return .maintenance }
        if waiting(.request), hasTime || !hasTaken(.request) { return .request }
        return mayMaintain && hasTime ? .maintenance : nil
    }
}
