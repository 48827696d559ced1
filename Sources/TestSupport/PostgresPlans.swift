import Storage
import Timestamps

/// How PostgreSQL runs a statement.
package struct PostgresPlan: Sendable, CustomStringConvertible {
    /// The first words of the statement, such as `UPDATE delivery`.
    package let name: String
    /// The lines of EXPLAIN ANALYZE, the outermost node first.
    package let lines: [String]
    /// Blocks of tables and indexes that were looked at: what a statement costs, whatever else the machine does.
    package let blocks: Int

    package var description: String { "\(name): \(blocks) blocks\n" + lines.joined(separator: "\n") }
}

/// How PostgreSQL runs each statement of `body`, whose transaction is kept.
package func postgresPlans(
    of store: any Store, _ body: @escaping @Sendable (any Transaction) throws -> Void
) async throws -> [PostgresPlan] {
    try await store.write(.maintenance) { tx in
        let measuring = MeasuringTransaction(tx)
        try body(measuring)
        return measuring.plans
    }
}

/// Runs every statement twice: for its plan, which is rolled back, and for real.
private final class MeasuringTransaction: Transaction {
    private let wrapped: any Transaction
    private(set) var plans: [PostgresPlan] = []

    init(_ wrapped: any Transaction) {
        self.wrapped = wrapped
    }

    var now: Timestamp { wrapped.now }
    var wakeups: Wakeups { wrapped.wakeups }
    var unreadable: UnreadableRows { wrapped.unreadable }
    var isSerial: Bool { wrapped.isSerial }

    func rows(_ statement: SQL) throws -> [Row] {
        try measure(statement)
        return try wrapped.rows(statement)
    }

    func run(_ statement: SQL) throws -> Int {
        try measure(statement)
        return try wrapped.run(statement)
    }

    func runBatch(_ statements: [SQL]) throws -> [Int] { try statements.map(run) }

    func build(_ index: TableIndex) throws { try wrapped.build(index) }

    func afterCommit(_ action: @escaping @Sendable () -> Void) { wrapped.afterCommit(action) }

    private func measure(_ statement: SQL) throws {
        try wrapped.run("SAVEPOINT measured")
        let lines: [String] = try wrapped.rows(
            "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) " + statement
        )
        .map { try $0.get("QUERY PLAN") }
        try wrapped.run("ROLLBACK TO SAVEPOINT measured")
        try wrapped.run("RELEASE SAVEPOINT measured")
        // The outermost node also counts what is below it; what planning took follows behind all nodes.
        let buffers = lines.first { $0.contains("Buffers:") } ?? ""
        let blocks = buffers.split(separator: " ").compactMap { word -> Int? in
            let parts = word.split(separator: "=")
            guard parts.count == 2, ["hit", "read"].contains(parts[0]) else { return nil }
            return Int(parts[1])
        }
        let name = statement.text(for: .postgresql).split(whereSeparator: \.isWhitespace).prefix(2)
        plans.append(PostgresPlan(name: name.joined(separator: " "), lines: lines, blocks: blocks.reduce(0, +)))
    }
}
