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
    private let isClockBelieved: @Sendable () -> Bool
    private let metrics: DeliveryMetrics
    private let logger: Logger

    /// One transaction that deletes a bounded number of rows older than a time; true when there may be more.
    package typealias Pruner = @Sendable (_ cutoff: Timestamp, any Transaction) throws -> Bool

    /// - Parameters:
    ///   - store: Where deliveries are.
    ///   - clock: What ages are measured by.
    ///   - retention: How long events and deliveries are kept.
    ///   - pruners: What else is pruned, besides events and deliveries.
    ///   - isClockBelieved: Whether ages may be trusted, asked before each round: nothing is deleted on the word of a clock
    ///     that jumped.
    ///   - metrics: Told of what was deleted, and of what the audit found.
    ///   - logger: Told of what was deleted, and of what does not add up.
    package init(
        store: any Store, clock: any WallClock, retention: Duration, pruners: [Pruner] = [],
        isClockBelieved: @escaping @Sendable () -> Bool = { true }, metrics: DeliveryMetrics, logger: Logger
    ) {
        self.pruners = pruners
        self.isClockBelieved = isClockBelieved
        self.store = store
        self.clock = clock
        self.retention = retention
        self.metrics = metrics
        self.logger = logger
    }

    /// Keeps up until graceful shutdown or cancellation.
    package func run() async throws {
        await periodically(every: Self.interval, by: clock, from: (position: Position(), progress: Progress())) {
            state in
            await attempt("prune") { try await prune(&state.progress) }
            await attempt("audit") { try await audit(&state.position) }
        }
    }

    /// One part of the round, whose failure keeps no other from being done.
    private func attempt(_ part: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch is CancellationError {
            return  // The loop ends.
        } catch {
            logger.warning("upkeep failed", metadata: ["part": "\(part)", "error": "\(error)"])
        }
    }

    /// What is remembered from round to round.
    struct Progress: Sendable {
        var events = EventRetention()
        /// Endpoints whose oldest delivery is over age and still to be made.
        var overdue: [EndpointID: Overdue] = [:]
        /// Rows that were told of, at most 100.
        var unreadable: Set<DeliveryID> = []
        var isDisbelieving = false
    }

    /// Deliveries that are over age and still to be made.
    struct Overdue: Sendable {
        /// When they were found, by the clock that nobody can set.
        let since: ContinuousClock.Instant
        /// The newest of their endpoint at that time.
        let last: Int64
    }

    /// How long deliveries are announced before they are deleted unmade: what waits for a retry is done by then, as four
    /// waits that a receiver asks for are at most five hours. By a clock that nobody can set, and so by each process.
    static let notice: Duration = .seconds(6 * 3_600)

    /// Prunes until nothing is older than the retention time, and tells what was deleted.
    func prune(_ state: inout Progress) async throws {
        guard isClockBelieved() else {
            if !state.isDisbelieving { logger.warning("nothing is pruned: the clock jumped") }
            state.isDisbelieving = true
            return
        }
        state.isDisbelieving = false
        let cutoff = clock.now() - retention
        var failure: (any Error)?
        do {
            try await pruneDeliveries(before: cutoff, &state)
        } catch {
            failure = error
        }
        do {
            try await pruneEvents(before: cutoff, &state.events)
        } catch {
            failure = error
        }
        for pruner in pruners {
            do {
                while !Task.isCancelled, try await store.write(.maintenance, { tx in try pruner(cutoff, tx) }) {}
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Rounds until one deletes nothing: what another transaction held in one is looked at in the next.
    private func pruneDeliveries(before cutoff: Timestamp, _ state: inout Progress) async throws {
        let now = clock.boot()
        let condemned = state.overdue.filter { $0.value.since.duration(to: now) >= Self.notice }.mapValues(\.last)
        var total = Retention.Pruned()
        defer { report(total, &state) }
        while true {
            var (round, cursor) = (Retention.Pruned(), Retention.Cursor?.none)
            repeat {
                let from = cursor
                let (pruned, next) = try await store.write(.maintenance) { tx in
                    try Retention.prune(before: cutoff, after: from, condemned: condemned, in: tx)
                }
                total.add(pruned)
                round.add(pruned)
                cursor = next
            } while cursor != nil && !Task.isCancelled
            if Task.isCancelled { return }
            if round.count == 0 { return announce(round.overdue, done: condemned, at: now, &state) }
        }
    }

    /// Remembers which deliveries are over age and still to be made, and tells of those that were not known.
    private func announce(
        _ overdue: [EndpointID: Int64], done condemned: [EndpointID: Int64], at now: ContinuousClock.Instant,
        _ state: inout Progress
    ) {
        let known = state.overdue.filter { condemned[$0.key] == nil }
        state.overdue = overdue.reduce(into: [:]) { all, new in
            all[new.key] = known[new.key] ?? Overdue(since: now, last: new.value)
        }
        let new = overdue.keys.filter { known[$0] == nil }.sorted()
        if new.isEmpty { return }
        logger.warning(
            "deliveries that were never made are over age, and will be deleted",
            metadata: [
                "webhooks": "\(new.count)", "webhook_ids": "\(new.prefix(10).map(\.text).joined(separator: " "))",
                "hours": "\(Self.notice.components.seconds / 3_600)",
            ])
    }

    private func pruneEvents(before cutoff: Timestamp, _ events: inout EventRetention) async throws {
        // A day behind, so that no delivery outlives its event.
        let cutoff = cutoff - .seconds(86_400)
        events.begin(before: cutoff)
        var count = 0
        defer {
            metrics.pruned(events: count)
            if count > 0 { logger.info("old events deleted", metadata: ["count": "\(count)"]) }
        }
        while !Task.isCancelled {
            let from = events
            let step = try await store.write(.maintenance) { [clock] tx in
                try from.step(before: cutoff, at: clock.now(), in: tx)
            }
            count += step.count
            events = step.next
            if !step.mayHaveMore { return }
        }
    }

    private func report(_ pruned: Retention.Pruned, _ state: inout Progress) {
        metrics.pruned(pruned.deliveries)
        for id in pruned.unreadable where state.unreadable.count < 100 && state.unreadable.insert(id).inserted {
            metrics.unreadable()
            logger.error("delivery cannot be read: its webhook is not pruned", metadata: ["delivery_id": "\(id)"])
        }
        guard pruned.count > 0 else { return }
        let counts = pruned.deliveries.sorted { $0.key.rawValue < $1.key.rawValue }
        logger.info(
            "old deliveries deleted",
            metadata: Logger.Metadata(counts.map { ("\($0.key)", "\($0.value)") }, uniquingKeysWith: { $1 }))
        if let open = pruned.deliveries[.pending] {
            logger.warning(
                "deliveries that were never made were deleted for their age",
                metadata: [
                    "count": "\(open)",
                    "webhook_ids": "\(pruned.undelivered.sorted().map(\.text).joined(separator: " "))",
                ])
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
