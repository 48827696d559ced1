import Delivery
import HTTPSMSWebhooks
import Logging
import Storage
import Timestamps

/// An SMS that a store is filled with before pages and searches are measured on it. How one really comes in is
/// `InboundOperations.receive`.
package struct SeededSMS: Sendable {
    /// The phone's number.
    package var owner: String
    /// Who wrote.
    package var contact: String
    /// What.
    package var content: String
    /// When it came, by both clocks.
    package var time: Timestamp

    /// With all that it is made of.
    package init(owner: String, contact: String, content: String, time: Timestamp) {
        self.owner = owner
        self.contact = contact
        self.content = content
        self.time = time
    }

    /// Stores it with its thread, and no event of it.
    package func store(for userID: UserID, in tx: any Transaction) throws {
        try MessageQueries.insert(
            Message(
                incoming: .mobileOriginated, id: MessageID(at: time), userID: userID, owner: owner, contact: contact,
                content: content, attachments: [], isEncrypted: false, sim: .sim1, timestamp: PhoneTime(time),
                notes: [],
                source: "/v1/messages/receive", at: time),
            in: tx)
    }

    /// Indexes for the search what was stored, as a server does meanwhile where messages come one by one.
    package static func index(in store: any Store, logger: Logger) async throws {
        try await SearchIndexer(store: store, clock: SystemClock(), logger: logger).index()
    }
}
