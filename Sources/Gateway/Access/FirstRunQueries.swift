import Delivery
import Storage
import Timestamps

/// Reads and writes what makes the first account.
enum FirstRunQueries {
    /// Whether there is no account.
    static func isOpen(in tx: any Transaction) throws -> Bool {
        try tx.rows("SELECT id FROM users ORDER BY id LIMIT 1").isEmpty
    }

    /// Deletes tokens whose time is over. Of several that do it at once each waits for the one before.
    static func deleteExpired(in tx: any Transaction) throws {
        try tx.run("DELETE FROM first_run_token WHERE expires_at <= \(tx.now)")
    }

    /// Stores a token for 24 hours, and deletes those whose time is over.
    static func insert(tokenHash: [UInt8], in tx: any Transaction) throws {
        try deleteExpired(in: tx)
        try tx.run(
            "INSERT INTO first_run_token (token_hash, expires_at) VALUES (\(tokenHash), \(tx.now + .seconds(86_400)))")
    }

    /// Whether there is a token that is valid, for whoever can read the log.
    static func isOffered(in tx: any Transaction) throws -> Bool {
        try !tx.rows(
            "SELECT expires_at FROM first_run_token WHERE expires_at > \(tx.now) ORDER BY expires_at DESC LIMIT 1"
        ).isEmpty
    }

    /// Whether a token is valid.
    static func isValid(tokenHash: [UInt8], in tx: any Transaction) throws -> Bool {
        try !tx.rows(
            "SELECT expires_at FROM first_run_token WHERE token_hash = \(tokenHash) AND expires_at > \(tx.now)"
        ).isEmpty
    }

    /// Whether `userID` owns the server: its account was the first. A store from before owners were noted is owned by its
    /// oldest account; when the owner's account is gone nobody is, as nobody should become it unasked.
    static func isOwner(_ userID: UserID, in tx: any Transaction) throws -> Bool {
        let noted: UserID? = try tx.value("SELECT user_id AS value FROM server_owner WHERE id = 1")
        if let noted { return noted == userID }
        return try tx.value("SELECT id AS value FROM users ORDER BY created_at, id LIMIT 1") == userID
    }

    /// Makes `userID` the owner instead of the one that is.
    static func setOwner(_ userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            "INSERT INTO server_owner (id, user_id) VALUES (1, \(userID)) ON CONFLICT (id) DO UPDATE SET user_id = \(userID)"
        )
    }

    /// Makes `userID`, just stored, the owner and ends every offer; false when there is an owner or another account. The
    /// primary key decides between two nodes. The owner before, whose account is gone, does not count.
    static func claim(for userID: UserID, in tx: any Transaction) throws -> Bool {
        guard try tx.rows("SELECT id FROM users WHERE id <> \(userID) ORDER BY id LIMIT 1").isEmpty else {
            return false
        }
        try tx.run("DELETE FROM server_owner WHERE user_id NOT IN (SELECT id FROM users)")
        let isClaimed =
            try tx.run(
                "INSERT INTO server_owner (id, user_id) VALUES (1, \(userID)) ON CONFLICT (id) DO NOTHING") == 1
        if isClaimed { try tx.run("DELETE FROM first_run_token") }
        return isClaimed
    }
}
