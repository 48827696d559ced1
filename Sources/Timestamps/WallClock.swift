#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where time and chance come from: the system in production, what a test or the simulation says there.
///
/// Everything in Storage and Delivery that asks for the time, waits, or draws asks this; `Scripts/check` refuses the
/// direct ways. The time of day can be set by an operator and by NTP, in both directions and by any amount, so that
/// durations are measured by ``boot()``, which nobody can set.
public protocol WallClock: Sendable {
    /// The present time of day.
    func now() -> Timestamp

    /// The time since the process started, without what the machine slept: nobody can set it.
    func steady() -> Duration

    /// The present instant of a clock that nobody can set and that runs on while the machine sleeps.
    func boot() -> ContinuousClock.Instant

    /// Both clocks, read together.
    func instants() -> Instants

    /// Returns after `duration` by ``boot()``.
    ///
    /// - Throws: `CancellationError` at once when the task is cancelled.
    func sleep(for duration: Duration) async throws

    /// Draws 64 random bits, for ids and jitter.
    func draw() -> UInt64
}

extension WallClock {
    /// By the system's clock that stands still while the machine sleeps.
    public func steady() -> Duration { processStart.duration(to: SuspendingClock.now) }

    /// By the system's clock.
    public func boot() -> ContinuousClock.Instant { .now }

    /// By the system's clock.
    public func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }

    /// From the system's generator.
    public func draw() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    /// Draws a number from 0 to 1, such as the jitter of a wait.
    package func drawFraction() -> Double { Double(draw() >> 11) / Double((1 as UInt64) << 53) }

    /// One reading after the other.
    public func instants() -> Instants { Instants(wall: now(), boot: boot()) }
}

/// An instant by both clocks: what a decision about time takes, so that it needs no clock of its own.
public struct Instants: Sendable, Hashable {
    /// The time of day, which may have been set since the last look.
    public var wall: Timestamp
    /// The time that nobody can set.
    public var boot: ContinuousClock.Instant

    /// Puts two readings together.
    public init(wall: Timestamp, boot: ContinuousClock.Instant) {
        self.wall = wall
        self.boot = boot
    }
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
