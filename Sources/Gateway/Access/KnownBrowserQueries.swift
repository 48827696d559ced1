import Delivery
import Storage
import Timestamps

/// Reads and writes which browsers signed in to an account before.
///
/// Such a browser holds a token of its own, which opens nothing: it only has its attempts to sign in counted apart, so that
/// nobody who guesses elsewhere keeps it out. Signing out leaves it; signing out everywhere and a changed password end it.
enum KnownBrowserQueries {
    /// Notes a browser in place of those that it was before, and forgets the oldest above ``bound``. Index:
    /// `sign_in_device_of_user`.
    static func insert(
        tokenHash: [UInt8], for userID: UserID, inPlaceOf former: [[UInt8]], in tx: any Transaction
    ) throws {
        for hash in former {
            try tx.run("DELETE FROM sign_in_device WHERE token_hash = \(hash) AND user_id = \(userID)")
        }
        try tx.run(
            """
            INSERT INTO sign_in_device (token_hash, user_id, created_at)
            VALUES (\(tokenHash), \(userID), \(tx.now))
            """)
        try tx.run(
            """
            DELETE FROM sign_in_device
            WHERE token_hash IN (
                SELECT token_hash
                FROM sign_in_device
                WHERE user_id = \(userID)
                ORDER BY created_at DESC, token_hash
                LIMIT 500 OFFSET \(bound))
            """)
    }

    /// The first of `tokenHashes` with which `userID` signed in; nil when none did, or too long ago.
    static func known(among tokenHashes: [[UInt8]], of userID: UserID, in tx: any Transaction) throws -> [UInt8]? {
        for hash in tokenHashes {
            let row = try tx.rows(
                """
                SELECT token_hash
                FROM sign_in_device
                WHERE token_hash = \(hash) AND user_id = \(userID) AND created_at > \(tx.now - lifetime)
                """
            ).first
            if row != nil { return hash }
        }
        return nil
    }

    /// Forgets every browser of a user. Index: `sign_in_device_of_user`.
    static func deleteAll(of userID: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM sign_in_device WHERE user_id = \(userID)")
    }

    /// Deletes at most 500 browsers that signed in too long ago; true when there may be more. Index:
    /// `sign_in_device_created`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM sign_in_device
            WHERE token_hash IN (
                SELECT token_hash
                FROM sign_in_device
                WHERE created_at <= \(tx.now - lifetime)
                ORDER BY created_at, token_hash
                LIMIT 500)
            """) == 500
    }

    /// A year: longer than the longest absence after which somebody should still get in while others guess.
    static let lifetime: Duration = .seconds(365 * 86_400)

    /// 50 browsers per account: more than one person has.
    private static let bound = 50
}
