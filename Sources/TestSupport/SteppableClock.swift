import Synchronization
import Timestamps

/// Both clocks of a machine, which stand still until a test lets time pass, or sets one of them.
package final class SteppableClock: WallClock {
    private let state: Mutex<(instants: Instants, random: SeededGenerator)>

    /// Starts at `start`, by default 2026-07-22T10:15:29.814Z; `seed` decides what is drawn.
    package init(at start: Timestamp = Timestamp(microseconds: 1_784_715_329_814_000), seed: UInt64 = 0) {
        state = Mutex((Instants(wall: start, boot: Self.epoch), SeededGenerator(seed: seed)))
    }

    package func now() -> Timestamp { state.withLock { $0.instants.wall } }

    package func boot() -> ContinuousClock.Instant { state.withLock { $0.instants.boot } }

    /// Both at once.
    package func instants() -> Instants { state.withLock { $0.instants } }

    package func steady() -> Duration { Self.epoch.duration(to: boot()) }

    /// Lets `duration` pass at once.
    package func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        pass(duration)
    }

    /// What the seed decides.
    package func draw() -> UInt64 { state.withLock { $0.random.next() } }

    /// Lets time pass, by both clocks.
    package func pass(_ duration: Duration) {
        state.withLock { $0.instants = Instants(wall: $0.instants.wall + duration, boot: $0.instants.boot + duration) }
    }

    /// Sets the time of day forward, or back when `duration` is negative, while no time passes.
    package func step(by duration: Duration) {
        state.withLock { $0.instants.wall = $0.instants.wall + duration }
    }

    private static let epoch = ContinuousClock.now
}
