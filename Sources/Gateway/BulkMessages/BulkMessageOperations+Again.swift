import Delivery
import Storage
import Timestamps
import Wire

/// Sending again what a file could not send.
extension BulkMessageOperations {
    /// Sends what failed of an upload once more, as an upload of its own, which is held for ``timeToUndo`` first.
    ///
    /// What was sent again before, and what has no phone any more, is left out.
    ///
    /// - Returns: What its messages carry as their request id; nil when there is nothing to send, or no such upload.
    /// - Throws: ``Refusal`` when the account has no quota left.
    package func sendFailedAgain(_ requestID: String, source: String, userID: UserID) async throws -> String? {
        let now = clock.now()
        return try await store.write(for: userID) { [quotas] tx in
            let failed = try BulkMessageQueries.failed(of: requestID, userID: userID, in: tx)
            let phones = try PhoneQueries.find(numbers: failed.map(\.owner).unique, userID: userID, in: tx)
            if phones.isEmpty { return nil }
            let name = BulkMessage.fileName(of: requestID)
            // It is no file that somebody may choose twice by mistake.
            let again = try BulkMessageQueries.insert(fileName: name, digest: "", userID: userID, at: now, in: tx)
            let messages = Dictionary(grouping: failed, by: \.owner)
            for phone in phones {
                let old = messages[phone.phoneNumber] ?? []
                let new = zip(old.map { _ in MessageID(at: now) }.sorted(), old).map { id, message in
                    Message(
                        outgoing: id, from: phone, to: message.contact, content: message.content,
                        attachments: message.attachments, requestID: again, batch: again,
                        callback: message.callbackID, source: source, at: tx.now)
                }
                _ = try MessageOperations.add(new, from: phone, within: quotas, in: tx)
                // The new ones are looked after in their place.
                for message in old { try AttentionQueries.settle(.message(message.id), of: userID, in: tx) }
            }
            try Self.hold(again, userID: userID, in: tx)
            return again
        }
    }
}
