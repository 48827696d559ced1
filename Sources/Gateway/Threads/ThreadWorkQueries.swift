import Delivery
import Storage
import Timestamps

/// Reads and writes who looks after a conversation, and notes about it.
package enum ThreadWorkQueries {
    /// What there is about a thread of `userID`. Indexes: the primary key, `thread_note_thread`.
    package static func work(on id: MessageThreadID, userID: UserID, in tx: any Transaction) throws -> ThreadWork {
        ThreadWork(
            assignee: try tx.value(
                "SELECT assignee AS value FROM thread_assignment WHERE thread_id = \(id) AND user_id = \(userID)"),
            notes: try tx.all(
                ThreadNote.self,
                """
                SELECT *
                FROM thread_note
                WHERE thread_id = \(id) AND user_id = \(userID)
                ORDER BY id
                LIMIT \(mostNotes)
                """),
            people: try people(of: userID, in: tx))
    }

    /// The e-mail addresses of all who work in an account, whoever made it first.
    package static func people(of userID: UserID, in tx: any Transaction) throws -> [String] {
        let first = try UserQueries.email(of: userID, in: tx)
        return try [first].compactMap(\.self) + TeamQueries.list(of: userID, in: tx).map(\.email)
    }

    /// Who looks after each of some threads, by thread; those that nobody looks after are not in it.
    package static func assignees(
        of ids: [MessageThreadID], userID: UserID, in tx: any Transaction
    ) throws -> [MessageThreadID: String] {
        if ids.isEmpty { return [:] }
        let rows = try tx.rows(
            """
            SELECT thread_id, assignee
            FROM thread_assignment
            WHERE thread_id IN \(list: ids) AND user_id = \(userID)
            """)
        return try rows.reduce(into: [:]) { $0[try $1.get("thread_id")] = try $1.get("assignee") as String }
    }

    /// Has somebody look after a thread from now on; nil for nobody.
    static func assign(
        _ id: MessageThreadID, to assignee: String?, userID: UserID, in tx: any Transaction
    ) throws {
        guard let assignee else {
            try tx.run("DELETE FROM thread_assignment WHERE thread_id = \(id) AND user_id = \(userID)")
            return
        }
        try tx.run(
            """
            INSERT INTO thread_assignment (thread_id, user_id, assignee)
            VALUES (\(id), \(userID), \(assignee))
            ON CONFLICT (thread_id) DO UPDATE SET assignee = excluded.assignee
            """)
    }

    /// Has nobody look after what `assignee` did, who does not work in the account any more.
    static func release(_ assignee: String, userID: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM thread_assignment WHERE user_id = \(userID) AND assignee = \(assignee)")
    }

    /// How many notes a thread has.
    static func count(on id: MessageThreadID, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM thread_note WHERE thread_id = \(id)") ?? 0
    }

    /// Stores a note.
    static func insert(
        _ content: String, by author: String, on id: MessageThreadID, userID: UserID, in tx: any Transaction
    ) throws {
        try tx.run(
            """
            INSERT INTO thread_note (id, user_id, thread_id, author, content, created_at)
            VALUES (\(ThreadNoteID(at: tx.now)), \(userID), \(id), \(author), \(content), \(tx.now))
            """)
    }

    /// Deletes a note; false when the thread has no such note.
    static func delete(
        _ note: ThreadNoteID, on id: MessageThreadID, userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        try tx.run("DELETE FROM thread_note WHERE id = \(note) AND thread_id = \(id) AND user_id = \(userID)") == 1
    }

    /// Deletes what there is about a thread that is gone.
    static func forget(_ id: MessageThreadID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM thread_note WHERE thread_id = \(id)")
        try tx.run("DELETE FROM thread_assignment WHERE thread_id = \(id)")
    }

    /// Notes of one conversation.
    static let mostNotes = 100
}
