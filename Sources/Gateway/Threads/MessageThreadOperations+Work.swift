import Delivery
import Storage
import Wire

/// Looking after conversations together.
extension MessageThreadOperations {
    /// Has somebody look after a thread; nil for nobody. False when `userID` has no such thread.
    ///
    /// - Throws: ``Refusal`` when it is nobody who works in the account.
    package func assign(_ id: MessageThreadID, to assignee: String?, of userID: UserID) async throws -> Bool {
        try await change(id, of: userID) { tx in
            if let assignee, try !ThreadWorkQueries.people(of: userID, in: tx).contains(assignee) {
                throw Refusal(.invalid, "\(assignee) does not work in this account.")
            }
            try ThreadWorkQueries.assign(id, to: assignee, userID: userID, in: tx)
            return true
        }
    }

    /// Notes something about a thread.
    ///
    /// - Parameters:
    ///   - content: 1 to 2,000 characters.
    ///   - id: Which thread.
    ///   - author: The e-mail address of who writes it.
    ///   - userID: Whose thread it is.
    /// - Returns: False when `userID` has no such thread.
    /// - Throws: ``Refusal`` when it is too long or empty, or the thread has 100.
    package func note(
        _ content: String, on id: MessageThreadID, by author: String, of userID: UserID
    ) async throws -> Bool {
        let content = content.storable.trimmed
        guard (1...2_000).contains(content.unicodeScalars.count) else {
            throw Refusal(.invalid, "A note has 1 to 2,000 characters.")
        }
        return try await change(id, of: userID) { tx in
            guard try ThreadWorkQueries.count(on: id, in: tx) < ThreadWorkQueries.mostNotes else {
                throw Refusal(.invalid, "A conversation has at most 100 notes. Delete one first.")
            }
            try ThreadWorkQueries.insert(content, by: author, on: id, userID: userID, in: tx)
            return true
        }
    }

    /// Deletes a note; false when `userID` has no such thread, or that has no such note.
    package func delete(_ note: ThreadNoteID, on id: MessageThreadID, of userID: UserID) async throws -> Bool {
        try await change(id, of: userID) { tx in
            try ThreadWorkQueries.delete(note, on: id, userID: userID, in: tx)
        }
    }

    /// Does `body` while the thread is there and locked; false when `userID` has none such. Open pages are told.
    private func change(
        _ id: MessageThreadID, of userID: UserID, _ body: @escaping @Sendable (any Transaction) throws -> Bool
    ) async throws -> Bool {
        try await store.write(for: userID) { tx in
            guard try MessageThreadQueries.find(id, userID: userID, in: tx) != nil else { return false }
            return try body(tx)
        }
    }
}
