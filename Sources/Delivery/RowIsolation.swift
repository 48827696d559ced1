import Logging
import Storage
import Synchronization

extension Transaction {
    /// Does `work` for each of `items`, so that one that cannot be read keeps no other from being done.
    ///
    /// What `work` wrote for such an item is undone, and `passOver` has to put it out of the way, or the next look meets it
    /// again. Costs two statements for all of them as long as everything goes well; only when something does not, each item is
    /// done on its own.
    ///
    /// - Throws: What `work` throws other than `StorageError.corrupt`, as it is about the database and not about the item; what
    ///   `passOver` throws.
    package func each<Item>(
        _ items: [Item], _ work: (Item) throws -> Void, passOver: (Item, any Error) throws -> Void
    ) throws {
        if items.isEmpty { return }
        if try attempt({ for item in items { try work(item) } }) == nil { return }
        for item in items {
            if let error = try attempt({ try work(item) }) { try passOver(item, error) }
        }
    }

    /// Runs `body`; when it meets what cannot be read undoes what it did, and gives the error.
    private func attempt(_ body: () throws -> Void) throws -> (any Error)? {
        try run("SAVEPOINT item")
        do {
            try body()
            try run("RELEASE SAVEPOINT item")
            return nil
        } catch StorageError.corrupt(let reason) {
            try run("ROLLBACK TO SAVEPOINT item")
            try run("RELEASE SAVEPOINT item")
            return StorageError.corrupt(reason)
        }
    }
}

/// Tells of rows that cannot be read, each once, and counts them. Thread-safe.
package final class UnreadableRows: Sendable {
    private let told = Mutex<Set<String>>([])
    private let metrics: DeliveryMetrics
    private let logger: Logger

    /// - Parameters:
    ///   - metrics: Where they are counted.
    ///   - logger: Told of each.
    package init(metrics: DeliveryMetrics, logger: Logger) {
        self.metrics = metrics
        self.logger = logger
    }

    /// Tells of the row `id` of `table`, which was passed over for `error`, once `tx` is durable.
    package func note(_ table: String, _ id: String, _ error: any Error, in tx: any Transaction) {
        tx.afterCommit { self.note(table, id, error) }
    }

    private func note(_ table: String, _ id: String, _ error: any Error) {
        let isNew = told.withLock { told in
            told.count < Self.limit && told.insert("\(table) \(id)").inserted
        }
        guard isNew else { return }
        metrics.unreadable()
        logger.error(
            "row passed over: it cannot be read", metadata: ["table": "\(table)", "id": "\(id)", "error": "\(error)"])
    }

    /// Rows that are told of, so that a broken disk does not fill the log.
    private static let limit = 1_000
    /// How long a row that was passed over is left alone: somebody may have put it right by then.
    package static let pause: Duration = .seconds(3_600)
}
