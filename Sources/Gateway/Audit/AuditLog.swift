import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps
import Wire

/// Adds to the logs of changes, and tells of it in the same transaction: no entry without its event, and none without its entry.
///
/// Nothing is held back or added up: somebody who floods the log could hide in what is left out. An entry is a request that changed
/// something, and makes no more than five deliveries, half of what an SMS that is received makes. A delivery makes no entry.
package enum AuditLog {
    /// The type of the event that tells of an entry.
    package static let eventType = "audit.recorded"

    /// Adds an entry to the log of `userID`, and tells the webhooks for alerts that name ``eventType``.
    static func add(
        _ action: AuditAction, of subject: String? = nil, by actor: AuditEntry.Actor, from address: String?,
        userID: UserID, in tx: any Transaction
    ) throws {
        let entry = AuditEntry(
            id: AuditEntryID(at: tx.now), createdAt: tx.now,
            actor: AuditEntry.Actor(kind: actor.kind, id: actor.id, agent: actor.agent.cut), action: action,
            subject: subject?.cut, address: address?.cut)
        try AuditQueries.insert(entry, of: userID, in: tx)
        let webhooks = try AlertWebhookQueries.hearingOfChanges(of: userID, in: tx)
        if webhooks.isEmpty { return }
        try tx.emit(
            OutgoingEvent(
                id: EventID(at: tx.now), userID: userID.alerts, owner: "", source: "/v1/audit-log",
                payload: .unknown(type: eventType, data: entry.data)),
            to: webhooks)
    }
}

extension Identity {
    /// Refuses access keys: what they do is in the log of changes, which they do not read, redirect or silence.
    ///
    /// - Throws: ``Refusal`` `.outOfScope` where `isOfChanges` and it is an access key.
    func requireOwnKey(where isOfChanges: Bool) throws(Refusal) {
        if isOfChanges, case .key = self { throw Refusal.outOfScope([]) }
    }
}

extension AuditEntry {
    /// The data of the event that tells of it: its members, and the same in words for a chat.
    fileprivate var data: [UInt8] {
        var json = JSONWriter()
        json.object { o in
            addFields(to: &o)
            o.field("title", "\(who) \(action.words)")
            o.field("message", [subject, address.map { "from \($0)" }].compactMap(\.self).joined(separator: ", "))
        }
        return json.bytes
    }

    /// Who did it, at the beginning of a sentence.
    private var who: String {
        switch actor.kind {
        case .session: actor.id ?? "Somebody in a browser"
        case .accountKey: "A program with the account's API key"
        case .accessKey: "An access key"
        case .serverOperator: "Whoever runs this server"
        }
    }
}

extension String {
    /// At most ``AuditEntry/longest`` characters, without what a text of the store cannot have.
    fileprivate var cut: String { String(storable.unicodeScalars.prefix(AuditEntry.longest)) }
}
