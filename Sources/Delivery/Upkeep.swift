import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Once a minute: prunes what is too old, and checks that every delivery is accounted for.
package struct Upkeep: Service {
    private let store: any Store
    private let clock: any WallClock
    private let retention: Duration
    private let pruners: [Pruner]
    private let metrics: DeliveryMetrics
    private let logger: Logger

    /// One transaction that deletes a bounded number of rows older than a time; true when there may be more.
    package typealias Pruner = @Sendable (_ cutoff: Timestamp, any Transaction) throws -> Bool

    /// - Parameters:
    ///   - store: Where deliveries are.
    ///   - clock: What ages are measured by.
    ///   - retention: How long events and deliveries are kept.
    ///   - pruners: What else is pruned, besides events and deliveries.
    ///   - metrics: Told of what the audit found.
    ///   - logger: Told of what does not add up.
    package init(
        store: any Store, clock: any WallClock, retention: Duration, pruners: [Pruner] = [],
        metrics: DeliveryMetrics, logger: Logger
    ) {
        self.pruners = pruners
        self.store = store
        self.clock = clock
        self.retention = retention
        self.metrics = metrics
        self.logger = logger
    }

    /// Keeps up until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var position = Position()
            while !Task.isCancelled {
                do {
                    try await prune()
                    try await audit(&position)
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("upkeep failed", metadata: ["error": "\(error)"])
                }
                try? await clock.sleep(for: Self.interval)  // Cancelled at shutdown, which ends the loop.
            }
        }
    }

    /// Prunes until nothing is older than the retention time.
    package func prune() async throws {
        let cutoff = clock.now() - retention
        for pruner in [{ try Retention.prune(before: $0, in: $1) }] + pruners {
            while !Task.isCancelled {
                guard try await store.write(.maintenance, { tx in try pruner(cutoff, tx) }) else { break }
            }
        }
    }

    /// Where the rotating audit of rows stands.
    struct Position: Sendable {
        var endpoint: EndpointID?
        var cursor: Int64 = 0
    }

    /// Adds up every account, and looks at the rows of one slice of one endpoint.
    func audit(_ position: inout Position) async throws {
        let accounts = try await store.read(.maintenance) { tx in try Audit.accounts(in: tx) }
        let unaccounted = accounts.map { abs($0.unaccounted) }.clampedSum()
        metrics.audited(unaccounted: unaccounted)
        for account in accounts where account.unaccounted != 0 {
            logger.error(
                "deliveries unaccounted for",
                metadata: ["webhook_id": "\(account.endpoint)", "count": "\(account.unaccounted)"])
        }
        let current = position.endpoint
        guard let endpoint = current ?? accounts.first?.endpoint else { return }
        let cursor = position.cursor
        let (mismatch, next) = try await store.read(.maintenance) { tx in
            try Audit.slice(of: endpoint, after: cursor, in: tx)
        }
        if let mismatch { logger.error("deliveries missing", metadata: ["audit": "\(mismatch)"]) }
        position.endpoint = next == nil ? accounts.first { $0.endpoint > endpoint }?.endpoint : endpoint
        position.cursor = next ?? 0
    }

    private static let interval: Duration = .seconds(60)
}
