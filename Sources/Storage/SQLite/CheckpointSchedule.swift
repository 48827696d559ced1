/// What to do about the log after a commit.
struct CheckpointSchedule {
    enum Step: Equatable {
        /// Copy what no reader is in the way of.
        case copy
        /// Let no read start until those that run have ended, then copy everything, so that the log starts afresh.
        case quiesce
    }

    /// 4 MiB of pages of 4 KiB, the size at which SQLite does it by itself.
    static let copyFrames = 1_024
    /// 64 MiB: readers that overlap keep the log from starting afresh, and slow down with its length.
    static let quiesceFrames = 16_384
    /// Between two times that reads are held up to no avail: a reader of another program may be in the way for as long as it likes.
    static let quiesceInterval = Duration.seconds(1)
    /// 128 MiB, twice what is wanted; a reader of 5 s adds less on most disks. Somebody has to look for the reason.
    static let alarmFrames = 2 * quiesceFrames
    /// Between two warnings.
    static let alarmInterval = Duration.seconds(60)

    private var framesAtLastCopy = 0
    private var lastQuiesce: ContinuousClock.Instant?
    private var lastAlarm: ContinuousClock.Instant?

    /// Decides after a commit that left `frames` pages in the log.
    mutating func next(frames: Int, at now: ContinuousClock.Instant) -> Step? {
        if frames < framesAtLastCopy {
            // The log started afresh, so nobody was in the way.
            framesAtLastCopy = 0
            lastQuiesce = nil
        }
        if frames >= Self.quiesceFrames, lastQuiesce.map({ now - $0 >= Self.quiesceInterval }) ?? true {
            lastQuiesce = now
            framesAtLastCopy = frames
            return .quiesce
        }
        guard frames - framesAtLastCopy >= Self.copyFrames else { return nil }
        framesAtLastCopy = frames
        return .copy
    }

    /// Says that reads were let go again, from when on the time to the next ``Step/quiesce`` counts.
    mutating func resumed(at now: ContinuousClock.Instant) {
        lastQuiesce = now
    }

    /// Whether a log of `frames` pages is to be warned of now.
    mutating func isAlarming(frames: Int, at now: ContinuousClock.Instant) -> Bool {
        guard frames >= Self.alarmFrames, lastAlarm.map({ now - $0 >= Self.alarmInterval }) ?? true else {
            return false
        }
        lastAlarm = now
        return true
    }
}
