import Logging
import ServiceLifecycle
import Timestamps

/// Looks once a second whether the time of day was set, and says so in the log.
package struct ClockWatch: Service {
    private let clocks: ClockGuard
    private let clock: any WallClock
    private let logger: Logger
    private let onStep: @Sendable (ClockStep?) async throws -> Void

    /// - Parameters:
    ///   - clocks: What is asked to look.
    ///   - clock: What the seconds are measured by.
    ///   - logger: Told of each step.
    ///   - onStep: What else is to be done about a step, such as pulling in what waits for a time that was set back; told
    ///     nil at the start, when nobody knows what was set before.
    package init(
        _ clocks: ClockGuard, clock: any WallClock, logger: Logger,
        onStep: @escaping @Sendable (ClockStep?) async throws -> Void = { _ in }
    ) {
        self.clocks = clocks
        self.clock = clock
        self.logger = logger
        self.onStep = onStep
    }

    /// Watches until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await act(on: nil)
            while !Task.isCancelled {
                await look()
                try? await clock.sleep(for: .seconds(1))  // Cancelled at shutdown, which ends the loop.
            }
        }
    }

    /// One look.
    package func look() async {
        guard let step = clocks.look() else { return }
        logger.warning(
            "the clock was set",
            metadata: ["by": "\(step.amount)", "is_believed": "\(clocks.isBelieved)"])
        await act(on: step)
    }

    private func act(on step: ClockStep?) async {
        do {
            try await onStep(step)
        } catch is CancellationError {
            return  // The server ends.
        } catch {
            logger.error("what a step of the clock asks for could not be done", metadata: ["error": "\(error)"])
        }
    }
}
