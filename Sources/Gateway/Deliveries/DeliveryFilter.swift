import Delivery
import Storage

extension DeliveryHistory.Filter {
    /// Narrows it to the events of the newest 1,000 messages with a contact.
    ///
    /// - Parameters:
    ///   - contact: The other party, as people write it.
    ///   - userID: Whose messages they are.
    ///   - tx: What is read in.
    /// - Throws: `StorageError`.
    package mutating func keep(with contact: String, of userID: UserID, in tx: any Transaction) throws {
        let found = try MessageQueries.ids(with: contact, userID: userID, in: tx).map(\.text)
        let kept = messages.map { asked in asked.filter { found.contains($0) } } ?? found
        messages = SearchIndexQueries.padded(kept)
    }
}
