#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the time of day comes from: the system in production, a clock that tests move by hand.
///
/// Durations are measured with `ContinuousClock` instead; this one can be set back by an operator.
public protocol WallClock: Sendable {
    /// The present instant.
    func now() -> Timestamp

    /// The time since the process started, without what the machine slept: nobody can set it.
    func steady() -> Duration
}

extension WallClock {
    /// By the system's clock that stands still while the machine sleeps.
    public func steady() -> Duration { processStart.duration(to: SuspendingClock.now) }
}

private let processStart = SuspendingClock.now

/// The system's real-time clock.
public struct SystemClock: WallClock {
    /// Makes the clock; it has no state.
    public init() {}

    /// Reads the system's clock.
    public func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
