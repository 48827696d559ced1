import Delivery
import Storage

/// What programs and people do with threads.
package struct MessageThreadOperations: Sendable {
    let store: any Store

    /// Marks a thread; nil leaves a mark as it is. Gives the thread as it is then; nil when `userID` has no such thread.
    ///
    /// - Throws: ``StorageError``.
    @discardableResult
    package func mark(
        _ id: MessageThreadID, of userID: UserID, isArchived: Bool? = nil, isRead: Bool? = nil
    ) async throws -> MessageThread? {
        try await store.write(.user(userID)) { tx in
            try MessageThreadQueries.mark(id, userID: userID, isArchived: isArchived, isRead: isRead, in: tx)
        }
    }

    /// Deletes a thread with its messages; false when `userID` has no such thread. Nobody sees them from then on; a sweep
    /// removes what one transaction has no room for.
    ///
    /// - Throws: ``StorageError``.
    package func delete(_ id: MessageThreadID, of userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in try ThreadErasureQueries.begin(id, userID: userID, in: tx) }
    }
}
