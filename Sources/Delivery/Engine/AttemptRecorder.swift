import Logging
import Storage
import Synchronization
import Timestamps

/// Stores the results of attempts: all that came in while the last transaction ran go into the next one.
///
/// Holds no more results than the dispatcher has slots. When the store takes nothing they are kept and offered again, and
/// meanwhile the dispatcher, whose slots stay taken, starts nothing new. When it is the results that it does not take, the
/// one that is to blame is found by halving, and stored without its details; the others are stored all the same.
final class AttemptRecorder: Sendable {
    /// A result that is in the store.
    struct Stored: Sendable {
        let id: DeliveryID
        let endpoint: EndpointID
        let signal: ReadySet.Signal
        /// How long the attempt took.
        var took: Duration = .zero
        let retryAt: Timestamp?
        /// When the attempt had ended, by the clock that nobody can set; nil when there was none.
        var endedAt: ContinuousClock.Instant?
    }

    private struct State {
        var results: [RecordedAttempt] = []
        var returned: [ClaimedDelivery] = []
        var stored: [Stored] = []
        var isFinished = false
        var waiter: CheckedContinuation<Void, Never>?

        var isEmpty: Bool { results.isEmpty && returned.isEmpty }
    }

    private let state = Mutex(State())
    private let store: any Store
    private let clock: any WallClock
    private let metrics: DeliveryMetrics
    private let logger: Logger

    init(store: any Store, clock: any WallClock, metrics: DeliveryMetrics, logger: Logger) {
        self.store = store
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// Hands in a result.
    func append(_ result: RecordedAttempt) {
        wake { $0.results.append(result) }
    }

    /// Hands in a delivery that was not attempted, as its lease may not hold for so long: it waits again.
    func giveBack(_ claim: ClaimedDelivery) {
        wake { $0.returned.append(claim) }
    }

    /// Says that no result will follow; ``run()`` returns once the last one is stored.
    func finish() {
        wake { $0.isFinished = true }
    }

    /// What was stored since the last call.
    func takeStored() -> [Stored] {
        state.withLock { state in
            defer { state.stored = [] }
            return state.stored
        }
    }

    /// Stores results until ``finish()``, then what is left.
    func run() async {
        while let batch = await nextBatch() {
            await storeUntilTaken(batch)
            let stored = batch.results.map { result in
                Stored(
                    id: result.claim.id, endpoint: result.claim.endpointID, signal: ReadySet.Signal(result),
                    took: result.result.duration, retryAt: result.retryAt,
                    endedAt: result.judgedAt?.boot)
            }
            let returned = batch.returned.map { claim in
                Stored(id: claim.id, endpoint: claim.endpointID, signal: .neutral, retryAt: nil)
            }
            state.withLock { $0.stored += stored + returned }
            store.wakeups.signal(.deliveries)
        }
    }

    /// What goes into one transaction, or two.
    private struct Batch {
        /// At most 256, in the order of their deliveries' birth, in which all nodes lock them.
        let results: [RecordedAttempt]
        /// Claims that were not attempted.
        let returned: [ClaimedDelivery]
        /// Whether rows of the attempts are kept.
        var details = true

        /// Two batches for one; nil where there is one result or claim.
        var halves: [Batch]? {
            if !results.isEmpty, !returned.isEmpty {
                return [Batch(results: [], returned: returned), Batch(results: results, returned: [])]
            }
            guard results.count + returned.count > 1 else { return nil }
            let (middle, end) = (results.count / 2, returned.count / 2)
            return [
                Batch(results: Array(results[..<middle]), returned: Array(returned[..<end])),
                Batch(results: Array(results[middle...]), returned: Array(returned[end...])),
            ]
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// What came in since the last call, waiting for it; nil at the end.
    private func nextBatch() async -> Batch? {
        while true {
            let (batch, isOver) = state.withLock { state -> (Batch?, Bool) in
                if state.isEmpty { return (nil, state.isFinished) }
                let results = state.results.prefix(Self.batchLimit).sorted {
                    ($0.claim.createdAt, $0.claim.id) < ($1.claim.createdAt, $1.claim.id)
                }
                state.results.removeFirst(results.count)
                defer { state.returned = [] }
                return (Batch(results: results, returned: state.returned), false)
            }
            if batch != nil || isOver { return batch }
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    if !state.isEmpty || state.isFinished { return true }
                    state.waiter = continuation
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        }
    }

    /// Offers the batch until it is stored, or what of it can be.
    private func storeUntilTaken(_ batch: Batch) async {
        var pause: Duration = .milliseconds(100)
        while true {
            do {
                return try await store(batch)
            } catch  where !Self.isOutage(error) {
                return await storeParts(of: batch, because: error)
            } catch {
                logger.error(
                    "results cannot be stored", metadata: ["count": "\(batch.results.count)", "error": "\(error)"])
                let isOver = state.withLock { $0.isFinished }
                // After shutdown began there is no time to wait for room: the next start tries these again.
                if isOver || Task.isCancelled { return }
                try? await clock.sleep(for: pause)  // Cancelled: the check above ends the loop on the next failure.
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    private func store(_ batch: Batch) async throws {
        // By itself: results lock endpoints before deliveries, and their deliveries in the order of birth. Done twice it is done once.
        if !batch.returned.isEmpty {
            try await store.write(.engine) { tx in try DeliveryQueries.giveBack(batch.returned, in: tx) }
        }
        guard !batch.results.isEmpty else { return }
        let stored = try await store.write(.engine) { [clock] tx in
            // As the clock is now: it may have been set back while the store took nothing.
            let now = clock.instants()
            return try ResultQueries.record(
                batch.results.map { $0.redated(at: now) }, details: batch.details, in: tx)
        }
        for result in stored.results where result.verdict == .failed {
            logger.info("delivery failed", metadata: result.logMetadata)
        }
        metrics.count(stored.results, refused: stored.refused.count)
        for id in stored.refused {
            logger.notice("late result refused", metadata: ["delivery_id": "\(id)"])
        }
        for (endpoint, reason) in stored.disabled {
            logger.warning("webhook disabled", metadata: ["webhook_id": "\(endpoint)", "reason": "\(reason)"])
        }
    }

    /// Stores what can be stored of a batch that as a whole cannot be, whenever it is tried.
    ///
    /// A result that is not taken alone is stored without its details, so that the delivery goes on as it should. One that
    /// is not taken even so is left: the dispatcher finds the lease without an attempt within a minute, and frees it.
    private func storeParts(of batch: Batch, because error: any Error) async {
        if let halves = batch.halves {
            for half in halves { await storeUntilTaken(half) }
            return
        }
        for result in batch.results where batch.details {
            logger.error(
                "the details of an attempt cannot be stored",
                metadata: result.logMetadata.merging(["reason": "\(error)"]) { $1 })
            var bare = batch
            bare.details = false
            return await storeUntilTaken(bare)
        }
        for claim in batch.results.map(\.claim) + batch.returned {
            logger.error(
                "a result cannot be stored; its delivery is tried again",
                metadata: [
                    "delivery_id": "\(claim.id)", "webhook_id": "\(claim.endpointID)", "attempt": "\(claim.attempt)",
                    "reason": "\(error)",
                ])
        }
        // Where every result ends like this, its slot stays taken for a while: each is one request too many.
        try? await clock.sleep(for: Self.longestPause)  // Cancelled: nothing follows it.
    }

    /// Whether the store takes nothing at the moment, whatever it is.
    private static func isOutage(_ error: any Error) -> Bool {
        if case StorageError.unavailable = error { return true }
        return error is CancellationError
    }

    /// Between two tries of a store that takes nothing, so that it is used within seconds once it does.
    private static let longestPause: Duration = .seconds(2)

    /// One transaction of 256 rows takes about 10 ms, which is what a claim may have to wait for it.
    private static let batchLimit = 256
}

extension RecordedAttempt {
    fileprivate var logMetadata: Logger.Metadata {
        [
            "delivery_id": "\(claim.id)", "event_id": "\(claim.eventID)", "webhook_id": "\(claim.endpointID)",
            "attempt": "\(claim.attempt)", "error": "\(Etiquette.problem(of: result)?.code ?? "")",
        ]
    }

    fileprivate var retryAt: Timestamp? {
        if case .retry(let at) = verdict { at } else { nil }
    }
}
