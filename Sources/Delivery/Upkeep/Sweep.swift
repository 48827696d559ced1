import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Does what is due by a column of the store, again and again: expiry, presence, clean-up.
///
/// Wakes at the hint of a commit, at the earliest due time, and at least once a second unless it says otherwise. What it does is decided by the
/// rows alone, so that a restart loses nothing.
package struct Sweep: Service {
    /// What one transaction of a sweep did.
    package struct Outcome: Sendable {
        /// Whether there may be more that is due now.
        package let mayHaveMore: Bool
        /// When the next row is due; nil when none waits.
        package let nextDue: Timestamp?

        /// Describes a transaction of a sweep.
        package init(mayHaveMore: Bool, nextDue: Timestamp?) {
            self.mayHaveMore = mayHaveMore
            self.nextDue = nextDue
        }
    }

    private let name: String
    private let topic: Wakeups.Topic
    private let store: any Store
    private let clock: any WallClock
    private let longestPause: Duration
    private let interval: Duration
    private let logger: Logger
    private let work: @Sendable (any Transaction) throws -> Outcome

    /// - Parameters:
    ///   - name: What it does, for the log.
    ///   - topic: The hint that wakes it.
    ///   - store: Where the rows are.
    ///   - clock: What due times are compared with.
    ///   - longestPause: The longest time between two looks.
    ///   - interval: The shortest time between two looks: what many commits made due in it is done in one transaction.
    ///   - logger: Told of failures, once each time they begin.
    ///   - work: One transaction: handles a bounded number of due rows. May run again.
    package init(
        _ name: String, on topic: Wakeups.Topic, store: any Store, clock: any WallClock,
        longestPause: Duration = .seconds(1),
        interval: Duration = .zero, logger: Logger, work: @escaping @Sendable (any Transaction) throws -> Outcome
    ) {
        self.name = name
        self.topic = topic
        self.store = store
        self.clock = clock
        self.longestPause = longestPause
        self.interval = interval
        self.logger = logger
        self.work = work
    }

    /// Sweeps until graceful shutdown or cancellation.
    package func run() async throws {
        let wakeups = store.wakeups
        await withGracefulShutdownHandler {
            var isFailing = false
            while !Task.isShuttingDownGracefully && !Task.isCancelled {
                var pause = longestPause
                do {
                    let started = clock.now()
                    // What was due before the sweep and still is could not be done: no use in trying at once.
                    if let nextDue = try await sweep(), nextDue > started {
                        pause = min(max(nextDue - clock.now(), .zero), pause)
                    }
                    isFailing = false
                } catch {
                    if !isFailing {
                        logger.error("sweep failed", metadata: ["sweep": "\(name)", "error": "\(error)"])
                    }
                    isFailing = true
                }
                if interval > .zero {
                    try? await clock.sleep(for: interval)  // Cancelled: the loop ends.
                    pause -= interval
                }
                await wakeups.wait(for: topic, atMost: max(pause, .zero))
            }
        } onGracefulShutdown: {
            wakeups.signal(topic)
        }
    }

    /// Handles all that is due now and gives the next due time; between two transactions it may be shut down.
    @discardableResult
    package func sweep() async throws -> Timestamp? {
        while true {
            let work = work
            let outcome = try await store.write(.maintenance) { tx in try work(tx) }
            if !outcome.mayHaveMore || Task.isShuttingDownGracefully { return outcome.nextDue }
        }
    }
}
