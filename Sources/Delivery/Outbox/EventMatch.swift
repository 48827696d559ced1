import Storage

/// Whether an event goes to an endpoint, and if not, why; at most eleven for each event: users have ten webhooks,
/// and a message may name one endpoint of its own.
package struct EventMatch: Sendable, Hashable {
    /// The endpoint.
    package let endpoint: EndpointID
    /// Why the event does not go there; nil when it does.
    package let reason: Reason?

    /// Why an event does not go to an endpoint.
    package enum Reason: String, Sendable {
        /// The endpoint does not want events of this type.
        case eventTypeNotSelected = "event_type_not_selected"
        /// It does not want events of this phone number.
        case phoneNumberNotSelected = "phone_number_not_selected"
        /// Its filter has another party, the other SIM, or asks for what the text does not have.
        case contactNotSelected = "contact_not_selected"
        case simNotSelected = "sim_not_selected"
        case textNotContained = "text_not_contained"
        case wordNotContained = "word_not_contained"
        case patternNotMatched = "pattern_not_matched"
        /// It happened at another time of the day.
        case timeNotSelected = "time_not_selected"
    }

    /// Judges an event of `type` and `owner` by the row of an endpoint: its lists, each separated by spaces, and its filter.
    ///
    /// - Parameters:
    ///   - endpoint: Whose row it is.
    ///   - row: Its columns `event_types` and `owners`.
    ///   - type: The event's type.
    ///   - owner: The event's phone number.
    ///   - filter: Reads its filter; nil for none.
    ///   - subject: Reads the event, where a filter has to look into it.
    /// - Throws: `StorageError.corrupt` when the lists cannot be read, and what `filter` and `subject` throw.
    init(
        endpoint: EndpointID, _ row: Row, type: String, owner: String, filter: () throws -> PreparedFilter?,
        subject: () throws -> EventSubject
    ) throws {
        let (eventTypes, owners): (String, String) = (try row.get("event_types"), try row.get("owners"))
        self.endpoint = endpoint
        if !SpacedList.contains(type, in: eventTypes) {
            reason = .eventTypeNotSelected
        } else if owners != Endpoint.everyOwner, !SpacedList.contains(owner, in: owners) {
            reason = .phoneNumberNotSelected
        } else {
            reason = try filter()?.reason(against: subject())
        }
    }

    /// A match that nobody has to judge.
    init(endpoint: EndpointID) {
        self.init(endpoint: endpoint, reason: nil)
    }

    private init(endpoint: EndpointID, reason: Reason?) {
        self.endpoint = endpoint
        self.reason = reason
    }

    /// The matches of an event as the log stores them: an endpoint a line, with its reason when it did not match.
    static func encode(_ matches: [EventMatch]) -> String {
        matches.map { "\($0.endpoint) \($0.reason?.rawValue ?? "")" }.joined(separator: "\n")
    }

    /// Reads what ``encode(_:)`` wrote.
    package static func decode(_ text: String) -> [EventMatch] {
        text.split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            let reason = parts.count > 1 ? Reason(rawValue: String(parts[1])) : nil
            return EventMatch(endpoint: EndpointID(trusted: String(parts[0])), reason: reason)
        }
    }

    /// Judges an event, which is logged as `body`, by every endpoint of its user, in the order of their ids. Index:
    /// `endpoint_user`.
    static func all(
        userID: UserID, type: String, owner: String, body: [UInt8], in tx: any Transaction
    ) throws -> [EventMatch] {
        var read: EventSubject?
        return try tx.all(
            """
            SELECT id, event_types, owners, filter
            FROM endpoint
            WHERE user_id = \(userID) AND status <> \(literal: EndpointStatus.deleted.rawValue)
            ORDER BY id
            """
        ) { row in
            try EventMatch(endpoint: try row.get("id"), row, type: type, owner: owner) {
                try PreparedFilter.find(in: row)
            } subject: {
                let subject = read ?? EventSubject(body: body)
                read = subject
                return subject
            }
        }
    }
}
