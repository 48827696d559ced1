import Delivery
import Storage
import Timestamps

/// Reads and writes the moves of numbers. Index of all but the second: `phone_move_number`.
package enum PhoneMoveQueries {
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
    package static func list(of number: String, userID: UserID, in tx: any Transaction) throws -> [PhoneMove] {
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
    package static func list(of keys: [PhoneAPIKeyID], userID: UserID, in tx: any Transaction) throws -> [PhoneMove] {
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
