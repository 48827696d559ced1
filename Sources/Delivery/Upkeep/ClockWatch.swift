import Logging
import ServiceLifecycle
import Timestamps

/// Looks once a second whether the time of day was set, says so in the log, and has done what that asks for.
package struct ClockWatch: Service {
    private let clocks: ClockGuard
    private let clock: any WallClock
    private let logger: Logger
    private let interval: Duration?
    private let onStep: @Sendable (ClockStep?) async throws -> Void

    /// - Parameters:
    ///   - clocks: What is asked to look.
    ///   - clock: What the seconds are measured by.
    ///   - logger: Told of each step.
    ///   - interval: How often `onStep` is told nil again, for steps that nobody saw, such as one that was taken back within a
    ///     second; nil for never, where clocks of several machines date what is stored: one that is behind would call the
    ///     times of others too far ahead.
    ///   - onStep: What else is to be done about a step, such as pulling in what waits for a time that was set back; told
    ///     nil at the start, when nobody knows what was set before. When it throws it is told again a second later.
    package init(
        _ clocks: ClockGuard, clock: any WallClock, logger: Logger, interval: Duration? = nil,
        onStep: @escaping @Sendable (ClockStep?) async throws -> Void = { _ in }
    ) {
        self.clocks = clocks
        self.clock = clock
        self.logger = logger
        self.interval = interval
        self.onStep = onStep
    }

    /// Watches until graceful shutdown or cancellation.
    package func run() async throws {
        await periodically(every: .seconds(1), by: clock, from: Owed()) { owed in await look(&owed) }
    }

    /// What is still to be done, the oldest first.
    struct Owed: Sendable {
        fileprivate var steps: [ClockStep?] = [nil]
        fileprivate var isFailing = false
        fileprivate var since: ContinuousClock.Instant?
    }

    /// One look.
    func look(_ owed: inout Owed) async {
        if let step = clocks.look() {
            logger.warning(
                "the clock was set",
                metadata: ["by": "\(step.amount)", "is_believed": "\(clocks.isBelieved)"])
            // While the store takes nothing for a minute of steps, nobody knows any more what was set.
            owed.steps = owed.steps.count < Self.bound ? owed.steps + [step] : [nil]
        }
        if let interval, let since = owed.since, owed.steps.isEmpty, since.duration(to: clock.boot()) >= interval {
            owed.steps = [nil]
        }
        do {
            if !owed.steps.isEmpty { owed.since = clock.boot() }
            while let step = owed.steps.first {
                try await onStep(step)
                owed.steps.removeFirst()
            }
            owed.isFailing = false
        } catch is CancellationError {
            return  // The server ends.
        } catch {
            if !owed.isFailing {
                logger.error("what a step of the clock asks for could not be done yet", metadata: ["error": "\(error)"])
            }
            owed.isFailing = true
        }
    }

    private static let bound = 60
}
