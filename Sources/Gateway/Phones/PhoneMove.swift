import Delivery
import Storage
import Timestamps

/// A number that went from one phone key to another.
struct PhoneMove: Sendable {
    let number: String
    let fromKey: PhoneAPIKeyID
    let fromName: String
    let toKey: PhoneAPIKeyID
    let toName: String
    let right: Right
    let movedAt: Timestamp

    /// Why a key was given the number of another one.
    enum Right: String, Sendable, SQLEnum {
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
    init(row: Row) throws {
        number = try row.get("phone_number")
        fromKey = try row.get("from_key_id")
        fromName = try row.get("from_key_name")
        toKey = try row.get("to_key_id")
        toName = try row.get("to_key_name")
        right = try row.get("reason")
        movedAt = try row.get("moved_at")
    }
}

/// Reads and writes the moves of numbers. Index of all but the second: `phone_move_number`.
enum PhoneMoveQueries {
    /// Notes a move and ends the account's consent; the newest 50 of a number are kept.
    static func insert(
        _ number: String, from: PhoneAPIKeyQueries.Claimant, to: PhoneAPIKeyQueries.Claimant, right: PhoneMove.Right,
        userID: UserID, in tx: any Transaction
    ) throws {
        try tx.run(
            """
            INSERT INTO phone_move (
                id, user_id, phone_number, from_key_id, from_key_name, to_key_id, to_key_name, reason, moved_at)
            VALUES (
                \(ID<PhoneMove>(at: tx.now)), \(userID), \(number), \(from.id), \(from.name), \(to.id), \(to.name),
                \(right), \(tx.now))
            """)
        try tx.run(
            """
            DELETE FROM phone_move
            WHERE user_id = \(userID) AND phone_number = \(number) AND id NOT IN (
                SELECT id
                FROM phone_move
                WHERE user_id = \(userID) AND phone_number = \(number)
                ORDER BY moved_at DESC, id DESC
                LIMIT 50)
            """)
        try allow(number, userID: userID, until: nil, in: tx)
    }

    /// Whether `key` has lately taken another number from `holder` as a fresh key. An account has few moves.
    static func follows(
        _ key: PhoneAPIKeyID, from holder: PhoneAPIKeyID, userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        try !tx.rows(
            """
            SELECT id
            FROM phone_move
            WHERE user_id = \(userID) AND from_key_id = \(holder) AND to_key_id = \(key)
                AND reason = \(PhoneMove.Right.freshKey) AND moved_at > \(tx.now - PhoneMove.secondSIMLifetime)
            """
        ).isEmpty
    }

    /// Whether `number` went from `key` to another key.
    static func hasLeft(
        _ key: PhoneAPIKeyID, number: String, userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        try !tx.rows(
            """
            SELECT id
            FROM phone_move
            WHERE user_id = \(userID) AND phone_number = \(number) AND from_key_id = \(key)
            """
        ).isEmpty
    }

    /// The moves of `number`, newest first.
    static func list(of number: String, userID: UserID, in tx: any Transaction) throws -> [PhoneMove] {
        try tx.all(
            PhoneMove.self,
            """
            SELECT *
            FROM phone_move
            WHERE user_id = \(userID) AND phone_number = \(number)
            ORDER BY moved_at DESC, id DESC
            LIMIT 50
            """)
    }

    /// The newest moves from or to one of `keys`, at most 200.
    static func list(of keys: [PhoneAPIKeyID], userID: UserID, in tx: any Transaction) throws -> [PhoneMove] {
        try tx.all(
            PhoneMove.self,
            """
            SELECT *
            FROM phone_move
            WHERE user_id = \(userID) AND (from_key_id IN \(list: keys) OR to_key_id IN \(list: keys))
            ORDER BY moved_at DESC, id DESC
            LIMIT 200
            """)
    }

    /// Forgets the moves of a number whose phone is deleted.
    static func delete(of number: String, userID: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM phone_move WHERE user_id = \(userID) AND phone_number = \(number)")
    }

    /// Lets any key of the account take a number until then; nil ends that.
    static func allow(_ number: String, userID: UserID, until: Timestamp?, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE phone
            SET move_allowed_until = \(until)
            WHERE user_id = \(userID) AND phone_number = \(number)
            """)
    }
}
