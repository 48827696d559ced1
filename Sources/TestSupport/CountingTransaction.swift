import Storage
import Timestamps

/// Counts what is asked of a transaction, for tests of how costs grow.
package final class CountingTransaction: Transaction {
    private let wrapped: any Transaction
    /// Statements that were run.
    package private(set) var statements = 0
    /// Rows that were given or changed by them.
    package private(set) var rows = 0

    /// Counts what is asked of `wrapped` from here on.
    package init(_ wrapped: any Transaction) {
        self.wrapped = wrapped
    }

    package var now: Timestamp { wrapped.now }
    package var wakeups: Wakeups { wrapped.wakeups }
    package var unreadable: UnreadableRows { wrapped.unreadable }
    package var isSerial: Bool { wrapped.isSerial }

    package func rows(_ statement: SQL) throws -> [Row] {
        statements += 1
        let found = try wrapped.rows(statement)
        rows += found.count
        return found
    }

    package func run(_ statement: SQL) throws -> Int {
        statements += 1
        let changed = try wrapped.run(statement)
        rows += changed
        return changed
    }

    package func runBatch(_ statements: [SQL]) throws -> [Int] { try statements.map(run) }

    package func build(_ index: TableIndex) throws { try wrapped.build(index) }

    package func afterCommit(_ action: @escaping @Sendable () -> Void) { wrapped.afterCommit(action) }
}
