import Delivery
import Storage
import Timestamps

/// Reads and writes the log of changes. Nothing changes an entry.
package enum AuditQueries {
    /// Adds an entry to the log of `userID`. ``AuditLog`` does it.
    static func insert(_ entry: AuditEntry, of userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO audit_entry (id, user_id, created_at, actor, actor_id, agent, action, subject, address)
            VALUES (
                \(entry.id), \(userID), \(entry.createdAt), \(entry.actor.kind.rawValue), \(entry.actor.id),
                \(entry.actor.agent), \(entry.action.rawValue), \(entry.subject), \(entry.address))
            """)
    }

    /// What a list of entries is about.
    package struct Filter: Sendable {
        /// Only these actions; empty for all.
        var actions: [String] = []
        /// Only what was done to this; nil for everything.
        var subject: String?
        /// Only what is older than this entry; nil begins with the newest.
        var before: AuditEntryID?

        /// Leaves nothing out but what is said.
        package init(actions: [String] = [], subject: String? = nil, before: AuditEntryID? = nil) {
            (self.actions, self.subject, self.before) = (actions, subject, before)
        }
    }

    /// Entries of `userID`, the newest first. Index: `audit_entry_user`.
    package static func list(
        userID: UserID, _ filter: Filter, limit: Int, in tx: any Transaction
    ) throws -> [AuditEntry] {
        let before: SQL = filter.before.map { "AND id < \($0)" } ?? ""
        let actions: SQL = filter.actions.isEmpty ? "" : "AND action IN \(list: filter.actions)"
        let subject: SQL = filter.subject.map { "AND subject = \($0)" } ?? ""
        return try tx.all(
            AuditEntry.self,
            """
            SELECT *
            FROM audit_entry
            WHERE user_id = \(userID) \(before) \(actions) \(subject)
            ORDER BY id DESC
            LIMIT \(limit)
            """)
    }

    /// Deletes at most 500 entries older than ``retention`` and `cutoff`; true when there may be more. Index: `audit_entry_age`.
    static func prune(before cutoff: Timestamp, in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM audit_entry
            WHERE id IN (
                SELECT id
                FROM audit_entry
                WHERE created_at < \(min(cutoff, tx.now - retention))
                ORDER BY created_at
                LIMIT 500)
            """) == 500
    }

    /// How long the log goes back, whatever else is deleted sooner: 400 days.
    static let retention: Duration = .seconds(400 * 86_400)
}
