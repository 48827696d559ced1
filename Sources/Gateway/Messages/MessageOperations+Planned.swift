import Delivery
import Storage
import Timestamps

extension MessageOperations {
    /// Gives a message that waits for its time another text, another time, or both; nil leaves either as it is.
    ///
    /// - Returns: The message as it is then; nil when the user has no such message.
    /// - Throws: ``Refusal`` `.conflict` when it does not wait for a time of its own, or no longer, `.invalid` when a rule is
    ///   broken.
    package func plan(
        _ id: MessageID, content: String?, sendAt: Timestamp?, userID: UserID
    ) async throws -> Message? {
        let now = clock.now()
        return try await store.write(.user(userID)) { tx in
            guard let message = try MessageQueries.find(id, userID: userID, in: tx) else { return nil }
            guard message.isPlanned else { throw Self.notPlanned }
            var next = message
            next.content = content ?? message.content
            next.scheduledSendTime = sendAt ?? message.scheduledSendTime
            // What is not changed was accepted before, and may be due by now.
            try Draft(again: next, at: sendAt).check(at: now)
            let time = max(next.scheduledSendTime ?? now, tx.now)
            next.plannedAt = time
            next.orderTimestamp = time
            // Numbers what the search looks at, too, so that it looks again.
            next.eventCount += 1
            guard try MessageQueries.plan(next, in: tx) else { throw Self.notPlanned }
            if let callback = next.callbackID { try CallbackQueries.keep(callback, until: time, in: tx) }
            next.updatedAt = tx.now
            return next
        }
    }

    private static let notPlanned = Refusal(
        .conflict,
        "Only a message that waits for a time of its own can be changed, and this one does not, or no longer.")
}
