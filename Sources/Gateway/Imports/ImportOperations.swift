import Delivery
import Storage
import Timestamps

/// Takes in the history of another httpSMS server. Nothing of it is sent, told to webhooks or counted in a quota, and what is
/// imported twice is there once.
package struct ImportOperations: Sendable {
    let store: any Store
    let userID: UserID

    /// Imports into the account `userID`.
    package init(store: any Store, userID: UserID) {
        (self.store, self.userID) = (store, userID)
    }

    /// What importing a part would come to, message by message. Writes nothing.
    ///
    /// - Throws: `StorageError`.
    package func look(at page: OldPage) async throws -> [ImportedMessage] {
        var found: [ImportedMessage] = []
        for portion in Self.portions(of: page.messages) {
            found += try await store.read(.maintenance) { [userID] tx in
                try ImportPortion(portion, userID: userID, in: tx).found
            }
        }
        return found
    }

    /// Imports a part, in transactions of a bounded size, and leaves everybody else as much time as they take. Call it again
    /// with the same part after a failure.
    ///
    /// - Returns: What happened, message by message.
    /// - Throws: ``Refusal`` when the account is gone, `StorageError`, `CancellationError`.
    package func bring(_ page: OldPage) async throws -> [ImportedMessage] {
        let threads = page.threads.reduce(into: [Parties: OldThread]()) { threads, thread in
            if let parties = Parties(owner: thread.owner, contact: thread.contact) { threads[parties] = thread }
        }
        var found: [ImportedMessage] = []
        for portion in Self.portions(of: page.messages) {
            // Most of a second import is known: a look costs nobody else anything.
            let seen = try await store.read(.maintenance) { [userID] tx in
                try ImportPortion(portion, userID: userID, in: tx)
            }
            if !seen.hasWork {
                found += seen.found
                continue
            }
            let began = ContinuousClock.now
            found += try await bring(portion, threads)
            try await Task.sleep(for: min(ContinuousClock.now - began, Self.longestRest))
        }
        return found
    }

    /// One transaction, once no conversation of the account is being deleted: what is imported into one would go with it.
    private func bring(_ portion: [OldMessage], _ threads: [Parties: OldThread]) async throws -> [ImportedMessage] {
        while true {
            let done = try await store.write(for: userID) { [userID] tx -> [ImportedMessage]? in
                if try ImportQueries.isErasing(userID, in: tx) { return nil }
                let found = try ImportPortion(portion, userID: userID, in: tx)
                try found.keep(threads, userID: userID, in: tx)
                return found.found
            }
            if let done { return done }
            // A server that runs does the same; without one nobody does.
            _ = try await store.write(.maintenance) { tx in try ThreadErasureQueries.step(in: tx) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The messages in their order, as many at a time as one transaction takes. Of two with one id the first counts.
    static func portions(of messages: [OldMessage]) -> [[OldMessage]] {
        var (portions, portion): ([[OldMessage]], [OldMessage]) = ([], [])
        var bytes = 0
        var ids: Set<String> = []
        for message in messages where message.id.isEmpty || ids.insert(message.id).inserted {
            let size = message.byteCount
            if !portion.isEmpty, portion.count == most || bytes.clampedAdding(size) > mostBytes {
                portions.append(portion)
                (portion, bytes) = ([], 0)
            }
            portion.append(message)
            bytes = bytes.clampedAdding(size)
        }
        return portion.isEmpty ? portions : portions + [portion]
    }

    /// Messages in one transaction, some 20 ms on SQLite.
    private static let most = 200
    /// What their texts have together, in bytes, as for what else is folded for searches.
    private static let mostBytes = 512 << 10
    /// A transaction that took longer waited for others.
    private static let longestRest = Duration.seconds(1)
}
