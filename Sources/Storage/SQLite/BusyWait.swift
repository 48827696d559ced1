import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How long a connection waits for the lock of another program, such as `httpsms user create`: 5 s, and no longer than until
/// the end of a process that has to end.
///
/// SQLite's own waiting knows of no end, and would have each write of a stopping server wait for 5 s.
final class BusyWait: Sendable {
    /// What a connection waits at most.
    static let limit = Duration.seconds(5)

    /// SQLite's own steps, in milliseconds; the last one is repeated.
    private static let steps = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100]

    private let end = Mutex<ContinuousClock.Instant?>(nil)

    /// Has nobody wait longer than until `duration` from now on.
    func end(within duration: Duration) {
        end.withLock { end in
            let new = ContinuousClock.now + duration
            end = min(end ?? new, new)
        }
    }

    /// Waits a step, as SQLite asks a busy handler.
    ///
    /// - Parameter count: How often it was asked for the same lock before.
    /// - Returns: Whether to try again.
    func step(_ count: Int) -> Bool {
        let step = Self.steps[min(count, Self.steps.count - 1)]
        let before =
            Self.steps.prefix(count).reduce(0, +)
            + max(0, count - Self.steps.count) * Self.steps[Self.steps.count - 1]
        guard .milliseconds(before) < Self.limit else { return false }
        if let end = end.withLock(\.self), ContinuousClock.now >= end { return false }
        // The writer's own thread, which waits in any case.
        usleep(useconds_t(truncatingIfNeeded: step * 1_000))
        return true
    }
}
