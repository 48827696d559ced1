import Storage
import Timestamps

/// The audit of every row, states included, for a command: in slices of 10,000, each a short read of its own, so that a table
/// of any size is audited beside a running server.
///
/// Whether a row is missing is exact whatever goes on meanwhile. How the rows of an endpoint ended is compared exactly when
/// its counters stood still, which is tried three times; for an endpoint that is never still, what differs by no more than
/// what changed meanwhile is not a difference.
package struct AuditWalk: Sendable {
    private let store: any Store
    private let progress: @Sendable (_ rows: Int64, _ of: Int64) -> Void

    /// - Parameters:
    ///   - store: What to audit.
    ///   - progress: Told after each slice how many rows were looked at, and how many there are about.
    package init(_ store: any Store, progress: @escaping @Sendable (_ rows: Int64, _ of: Int64) -> Void = { _, _ in }) {
        self.store = store
        self.progress = progress
    }

    /// Every endpoint's account, and what does not fit.
    ///
    /// - Throws: `StorageError`.
    package func run() async throws -> (accounts: [Audit.Account], mismatches: [Audit.Mismatch]) {
        let accounts = try await store.read(.maintenance) { tx in try Audit.accounts(in: tx) }
        let total = accounts.map { $0.accepted.clampedSubtracting($0.pruned) }.clampedSum()
        var done: Int64 = 0
        var mismatches: [Audit.Mismatch] = []
        for account in accounts {
            mismatches += try await audit(account) { rows in
                done = done.clampedAdding(rows)
                progress(done, total)
            }
        }
        return (accounts, mismatches)
    }

    /// What does not fit of one endpoint.
    private func audit(_ account: Audit.Account, _ looked: (Int64) -> Void) async throws -> [Audit.Mismatch] {
        var found: [Audit.Mismatch] = []
        if account.unaccounted != 0 {
            found.append(
                Audit.Mismatch(
                    endpoint: account.endpoint, subject: "unaccounted", expected: 0, found: account.unaccounted))
        }
        for attempt in 1...Self.attempts {
            let count = try await count(account.endpoint, looked)
            guard attempt == Self.attempts || count.isExact || count.differences(within: 0).isEmpty else { continue }
            return found + count.gaps + count.differences(within: count.isExact ? 0 : count.drift)
        }
        return found
    }

    /// Counts the rows of `endpoint`, a slice in a read.
    func count(_ endpoint: EndpointID, _ looked: (Int64) -> Void = { _ in }) async throws -> RowCount {
        var count = RowCount(endpoint: endpoint)
        var cursor: Int64 = 0
        while true {
            let from = cursor
            guard
                let slice = try await store.read(
                    .maintenance, { tx in try Self.slice(of: endpoint, after: from, in: tx) })
            else {
                return count
            }
            count.add(slice, isFirst: from == 0)
            looked(slice.states.values.clampedSum())
            guard slice.stretch.last > max(cursor, slice.stretch.first) else { return count }
            cursor = slice.stretch.last
        }
    }

    /// One read: rows by state, and the counters that stand beside them.
    struct Slice: Sendable {
        let stretch: Audit.Stretch
        /// Rows by the number of their state, of which some may be unknown.
        let states: [Int64: Int64]
        /// The same of rows that have no number yet, which on PostgreSQL they get within a second.
        let unnumbered: [Int64: Int64]
        let counters: Counters
    }

    private static func slice(of endpoint: EndpointID, after cursor: Int64, in tx: any Transaction) throws -> Slice? {
        guard let stretch = try Audit.stretch(of: endpoint, after: cursor, in: tx),
            let counters = try Counters.find(endpoint, in: tx)
        else { return nil }
        let states = try states(
            of: endpoint, "sequence > \(stretch.first) AND sequence <= \(stretch.last)", in: tx)
        let unnumbered = tx.isSerial ? [:] : try self.states(of: endpoint, "sequence IS NULL", in: tx)
        return Slice(stretch: stretch, states: states, unnumbered: unnumbered, counters: counters)
    }

    /// Index: `delivery_log`.
    private static func states(
        of endpoint: EndpointID, _ which: SQL, in tx: any Transaction
    ) throws -> [Int64: Int64] {
        let rows = try tx.rows(
            """
            SELECT state, COUNT(*) AS total
            FROM delivery
            WHERE endpoint_id = \(endpoint) AND \(which)
            GROUP BY state
            """)
        return Dictionary(
            try rows.map { (try $0.get("state", as: Int64.self), try $0.get("total", as: Int64.self)) },
            uniquingKeysWith: { $1 })
    }

    private static let attempts = 3
}

/// The counters of one endpoint.
struct Counters: Sendable, Hashable, RowDecodable {
    var succeeded: Int64
    var failed: Int64
    var cancelled: Int64
    var pruned: Int64

    init(row: Row) throws {
        succeeded = try row.get("succeeded")
        failed = try row.get("failed")
        cancelled = try row.get("cancelled")
        pruned = try row.get("pruned")
    }

    static func find(_ endpoint: EndpointID, in tx: any Transaction) throws -> Counters? {
        try tx.first(
            Counters.self,
            "SELECT succeeded, failed, cancelled, pruned FROM tally_now WHERE endpoint_id = \(endpoint)")
    }

    /// By how much two readings differ, added up.
    func distance(to other: Counters) -> Int64 {
        [
            abs(succeeded.clampedSubtracting(other.succeeded)), abs(failed.clampedSubtracting(other.failed)),
            abs(cancelled.clampedSubtracting(other.cancelled)), abs(pruned.clampedSubtracting(other.pruned)),
        ].clampedSum()
    }
}

/// The rows of one endpoint, counted in slices.
struct RowCount: Sendable {
    let endpoint: EndpointID
    /// Rows by the number of their state.
    private(set) var states: [Int64: Int64] = [:]
    /// Those that had no number beside the last slice.
    private var unnumbered: [Int64: Int64] = [:]
    /// Stretches in which rows are missing, and a count of pruned ones that cannot be.
    private(set) var gaps: [Audit.Mismatch] = []
    /// The counters beside the last slice; nil when there is no account.
    private(set) var counters: Counters?
    /// The sequence before the first row, by the first slice.
    private(set) var front: Int64 = 0
    /// By how much the counters moved between the slices.
    private(set) var drift: Int64 = 0
    private var slices = 0

    init(endpoint: EndpointID) {
        self.endpoint = endpoint
    }

    /// Whether the counters stood still while rows were counted.
    var isExact: Bool { drift == 0 }

    mutating func add(_ slice: AuditWalk.Slice, isFirst: Bool) {
        if let counters { drift = drift.clampedAdding(counters.distance(to: slice.counters)) }
        counters = slice.counters
        unnumbered = slice.unnumbered
        if isFirst {
            front = slice.stretch.front
            if let mismatch = slice.stretch.prunedMismatch { gaps.append(mismatch) }
        }
        let found = slice.states.values.clampedSum()
        if let gap = slice.stretch.mismatch(found: found) { gaps.append(gap) }
        states.merge(slice.states) { $0.clampedAdding($1) }
    }

    func rows(_ state: DeliveryState) -> Int64 {
        let state = Int64(state.rawValue)
        return (states[state] ?? 0).clampedAdding(unnumbered[state] ?? 0)
    }

    /// Counters that differ from the rows by more than `tolerance`.
    func differences(within tolerance: Int64) -> [Audit.Mismatch] {
        guard let counters else { return [] }
        let pairs: [(String, Int64, Int64)] = [
            ("succeeded", counters.succeeded, rows(.succeeded)), ("failed", counters.failed, rows(.failed)),
            ("cancelled", counters.cancelled, rows(.cancelled)),
        ]
        return pairs.filter { abs($0.1.clampedSubtracting($0.2)) > tolerance }.map {
            Audit.Mismatch(endpoint: endpoint, subject: $0.0, expected: $0.1, found: $0.2)
        }
    }
}
