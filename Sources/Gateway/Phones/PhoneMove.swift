import Delivery
import Storage
import Timestamps

/// A number that went from one phone key to another.
package struct PhoneMove: Sendable {
    /// The number that moved, in E.164.
    package let number: String
    /// The key that had it.
    package let fromKey: PhoneAPIKeyID
    /// What that key was called.
    package let fromName: String
    /// The key that has it now.
    package let toKey: PhoneAPIKeyID
    /// What this key was called.
    package let toName: String
    /// By what right.
    package let right: Right
    /// When it moved.
    package let movedAt: Timestamp

    /// Why a key was given the number of another one.
    package enum Right: String, Sendable, SQLEnum {
        /// It had never held a number: the account had just made it for a phone.
        case freshKey = "fresh_key"
        /// It had just taken the other number of the same phone as a fresh key: the second SIM card follows the first.
        case secondSIM = "second_sim"
        /// The other key had not been used for 16 minutes.
        case silence
        /// The account allowed it in the dashboard.
        case consent
    }

    /// By what right `key` takes a number that another key holds; nil when it may not.
    ///
    /// - Parameters:
    ///   - key: The key that asks.
    ///   - consentUntil: Until when the account lets any key have the number.
    ///   - follows: Whether the key took another number from the same key as a fresh one lately.
    ///   - isSilent: Whether the key that holds it has been silent.
    ///   - now: The time of the request.
    /// - Returns: Nil when the key may not have the number.
    static func right(
        of key: PhoneAPIKeyQueries.Claimant, consentUntil: Timestamp?, follows: Bool, isSilent: Bool, at now: Timestamp
    ) -> Right? {
        // A consent from before the clock was set back does not last for longer than it was given for.
        if let consentUntil, consentUntil > now, consentUntil <= now + consentLifetime { return .consent }
        if !key.hasHeldNumbers { return .freshKey }
        if follows { return .secondSIM }
        return isSilent ? .silence : nil
    }

    /// 15 minutes: long enough to walk to the phone.
    static let consentLifetime: Duration = .seconds(900)

    /// 15 minutes: an app registers both numbers of a phone in one go.
    static let secondSIMLifetime: Duration = .seconds(900)

    /// The words for the phone's owner.
    static func refusal(of number: String) -> Refusal {
        Refusal(
            .conflict,
            """
            The phone number [\(number)] belongs to another phone, which was in use within the last 16 minutes. Switch that \
            phone off and try again in 16 minutes, or open the number in the dashboard under Phones and choose "Let another \
            phone take this number".
            """)
    }
}

extension PhoneMove: RowDecodable {
    package init(row: Row) throws {
        number = try row.get("phone_number")
        fromKey = try row.get("from_key_id")
        fromName = try row.get("from_key_name")
        toKey = try row.get("to_key_id")
        toName = try row.get("to_key_name")
        right = try row.get("reason")
        movedAt = try row.get("moved_at")
    }
}
