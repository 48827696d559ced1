import Storage

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
