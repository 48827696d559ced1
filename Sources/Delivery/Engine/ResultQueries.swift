import Storage
import Timestamps

/// Stores results of attempts, a batch in a transaction.
enum ResultQueries {
    /// What became of a batch.
    struct Stored: Sendable {
        /// The results as they were judged in the end, in their order.
        var results: [RecordedAttempt] = []
        /// Results that came too late: another worker has the delivery, or it was cancelled.
        var refused: [DeliveryID] = []
        /// Endpoints that were disabled by it, and why.
        var disabled: [(endpoint: EndpointID, reason: String)] = []
    }

    /// Stores each result whose lease still holds, counts it, and disables endpoints that want no more.
    ///
    /// The deliveries are moved in the order in which they come, which is the same on all nodes; three round trips for the batch.
    /// Without `details` no row is kept of the attempts themselves.
    static func record(
        _ results: [RecordedAttempt], details: Bool = true, in tx: any Transaction
    ) throws -> Stored {
        var stored = Stored()
        var counts: [EndpointID: Counts] = [:]
        let results = try tellEndpoints(results, in: tx)
        stored.results = results
        let changed = try tx.runBatch(results.map { move($0, in: tx) })
        for (result, count) in zip(results, changed) {
            if count == 1 {
                counts[result.claim.endpointID, default: Counts()].add(result)
            } else {
                stored.refused.append(result.claim.id)
            }
        }
        if details { try tx.runBatch(zip(results, changed).filter { $1 == 1 }.map { attempt($0.0) }) }
        let totals = counts.sorted { $0.key < $1.key }
        try tx.runBatch(totals.flatMap { tally($0.value, of: $0.key, in: tx) })
        for (endpoint, count) in totals {
            guard let reason = try disableReason(count, of: endpoint, in: tx), let version = count.version else {
                continue
            }
            if try DeliveryQueries.disable(endpoint, version: version, because: reason, in: tx) {
                stored.disabled.append((endpoint, reason))
            }
        }
        return stored
    }

    /// Stores what the results say of their endpoints' pace and own URLs, and gives the results, of which none disables an endpoint that
    /// has changed since the attempt: what an earlier version of it answered says nothing of the present one, which is
    /// tried along the schedule.
    ///
    /// The rows of endpoints of which something is said are locked before those of deliveries, as a claim locks them.
    private static func tellEndpoints(
        _ results: [RecordedAttempt], in tx: any Transaction
    ) throws -> [RecordedAttempt] {
        let telling = results.filter { $0.isPaced || $0.hold != nil || $0.isAboutURL || $0.verdict == .disabled }
        guard !telling.isEmpty else { return results }
        var versions: [EndpointID: Int64] = [:]
        var changes: [SQL] = []
        for (id, said) in Dictionary(grouping: telling, by: \.claim.endpointID).sorted(by: { $0.key < $1.key }) {
            guard let known = try DeliveryQueries.locked(id, in: tx) else { continue }
            versions[id] = known.version
            var (pace, outage) = (known.pace, known.outage)
            for attempt in said.sorted(by: { $0.startedAt < $1.startedAt })
            where attempt.endpointVersion == known.version {
                pace.learn(attempt)
                guard attempt.isAboutURL else { continue }
                outage = outage.after(attempt.result, on: attempt.claim.route, startedAt: attempt.startedAt)
            }
            if pace != known.pace { changes.append(DeliveryQueries.setPace(pace, of: id)) }
            if outage != known.outage { changes.append(DeliveryQueries.setOutage(outage, of: id)) }
        }
        try tx.runBatch(changes)
        return results.map { result in
            guard result.verdict == .disabled, versions[result.claim.endpointID] != result.endpointVersion else {
                return result
            }
            return RecordedAttempt(
                claim: result.claim, endpointVersion: result.endpointVersion, startedAt: result.startedAt,
                result: result.result, verdict: result.verdictOnOther)
        }
    }

    /// What a batch means for one endpoint.
    private struct Counts {
        /// What it adds to the account and the health; since when it fails is the time at which it is stored.
        var noted = EndpointCounts()
        var isGone = false
        /// The version of the endpoint that failed last.
        var version: Int64?

        mutating func add(_ result: RecordedAttempt) {
            if case .succeeded = result.verdict {
                noted.succeeded += 1
                noted.lastSuccessAt = max(noted.lastSuccessAt ?? result.startedAt, result.startedAt)
                noted.failuresInRow = 0
                return
            }
            if result.verdict == .failed { noted.failed += 1 }
            if result.verdict == .disabled { isGone = true }
            version = max(version ?? result.endpointVersion, result.endpointVersion)
            noted.lastFailureAt = max(noted.lastFailureAt ?? result.startedAt, result.startedAt)
            noted.failuresInRow += 1
        }
    }

    /// What becomes of the delivery, if the claim still holds.
    private static func move(_ result: RecordedAttempt, in tx: any Transaction) -> SQL {
        let claim = result.claim
        return transition(result, Etiquette.problem(of: result.result), in: tx) + """
            WHERE \(DeliveryQueries.isHeld(claim.id, under: claim.lease)) AND attempt = \(claim.claimNumber)
            """
    }

    private static func attempt(_ result: RecordedAttempt) -> SQL {
        let claim = result.claim
        let attempt = result.result
        let problem = Etiquette.problem(of: attempt)
        return """
            INSERT INTO attempt (
                delivery_id, number, route, started_at, duration, dns, connect, tls, first_byte, status_code, error,
                error_detail, response_headers, response_body)
            VALUES (
                \(claim.id), \(claim.attempt), \(claim.route.rawValue), \(result.startedAt), \(attempt.duration), \(attempt.phases.dns),
                \(attempt.phases.connect), \(attempt.phases.tls), \(attempt.phases.firstByte),
                \(attempt.outcome.statusCode), \(problem?.code), \(problem?.detail),
                \(HeaderText.encode(attempt.responseHeaders)), \(attempt.responseBody))
            """
    }

    private static func transition(
        _ result: RecordedAttempt, _ problem: Etiquette.Problem?, in tx: any Transaction
    ) -> SQL {
        let last: SQL = """
            lease = NULL, last_status_code = \(result.result.outcome.statusCode), last_error = \(problem?.code)
            """
        return switch result.verdict {
        case .succeeded:
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.succeeded.rawValue), completed_at = \(tx.now), \(last)
            """
        case .failed:
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.failed.rawValue), completed_at = \(tx.now), \(last)
            """
        case .retry(let dueAt):
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.pending.rawValue), lane = \(literal: DeliveryLane.retry.rawValue),
                due_at = \(dueAt), step = step + 1, \(last)
            """
        case .disabled:
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.pending.rawValue), \(last)
            """
        }
    }

    private static func tally(_ count: Counts, of endpoint: EndpointID, in tx: any Transaction) -> [SQL] {
        var noted = count.noted
        if noted.failuresInRow > 0 { noted.failingSince = tx.now }
        guard tx.isSerial else { return [EndpointSlots.note(noted, of: endpoint, in: tx)] }
        let ended: SQL = """
            UPDATE tally
            SET succeeded = succeeded + \(noted.succeeded), failed = failed + \(noted.failed)
            WHERE endpoint_id = \(endpoint)
            """
        let health = EndpointSlots.health(noted, of: endpoint)
        guard noted.succeeded + noted.failed > 0 else { return [health] }
        let hour = HourlyCounts.add(
            succeeded: noted.succeeded, failed: noted.failed, of: endpoint, hour: HourlyCounts.hour(of: tx.now))
        return [ended, health, hour]
    }

    /// Why `endpoint` is to be disabled after a batch; nil when it is not.
    private static func disableReason(
        _ count: Counts, of endpoint: EndpointID, in tx: any Transaction
    ) throws -> String? {
        if count.isGone { return "gone: the receiver answered 410; correct the callback URL and resume the webhook" }
        guard count.noted.failuresInRow > 0 else { return nil }
        let failures = try EndpointSlots.failures(of: endpoint, in: tx)
        guard let since = failures.since, tx.now - since >= failingTime, failures.count >= failingCount else {
            return nil
        }
        return "failing: every attempt since \(since) failed; fix the receiver and resume the webhook"
    }

    /// 5 days, long enough for a holiday; and 50 failures, so that a quiet webhook is not judged by a few.
    private static let failingTime: Duration = .seconds(5 * 86_400)
    private static let failingCount = 50
}
