import Storage
import Timestamps

/// The lines of EXPLAIN QUERY PLAN of every statement that `body` runs on an SQLite store.
package func queryPlans(
    of store: any Store, _ body: @escaping @Sendable (any Transaction) throws -> Void
) async throws -> [String] {
    try await store.write { tx in
        let explaining = ExplainingTransaction(tx)
        try body(explaining)
        return explaining.plan
    }
}

/// Notes the plan of every statement before running it.
private final class ExplainingTransaction: Transaction {
    private let wrapped: any Transaction
    private(set) var plan: [String] = []

    init(_ wrapped: any Transaction) {
        self.wrapped = wrapped
    }

    var now: Timestamp { wrapped.now }
    var wakeups: Wakeups { wrapped.wakeups }
    var unreadable: UnreadableRows { wrapped.unreadable }

    func rows(_ statement: SQL) throws -> [Row] {
        try explain(statement)
        return try wrapped.rows(statement)
    }

    func run(_ statement: SQL) throws -> Int {
        try explain(statement)
        return try wrapped.run(statement)
    }

    func runBatch(_ statements: [SQL]) throws -> [Int] { try statements.map(run) }

    var isSerial: Bool { wrapped.isSerial }

    func build(_ index: TableIndex) throws { try wrapped.build(index) }

    func afterCommit(_ action: @escaping @Sendable () -> Void) { wrapped.afterCommit(action) }

    private func explain(_ statement: SQL) throws {
        plan += try wrapped.rows("EXPLAIN QUERY PLAN" + statement).map { try $0.get("detail") }
    }
}
