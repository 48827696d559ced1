import Delivery
import Storage
import Timestamps

/// The id of a note.
package typealias ThreadNoteID = ID<ThreadNote>

/// What those who work in an account tell each other about a conversation. Nobody outside sees it.
package struct ThreadNote: Sendable {
    /// Its id.
    package let id: ThreadNoteID
    /// The e-mail address of who wrote it.
    package let author: String
    /// 1 to 2,000 characters.
    package let content: String
    /// When it was written.
    package let createdAt: Timestamp
}

/// Who looks after a conversation, and what was noted about it.
package struct ThreadWork: Sendable {
    /// The e-mail address of who looks after it; nil for nobody.
    package let assignee: String?
    /// The oldest first.
    package let notes: [ThreadNote]
    /// The e-mail addresses of all who work in the account, whoever made it first.
    package let people: [String]
}

extension ThreadNote: RowDecodable {
    package init(row: Row) throws {
        self.init(
            id: try row.get("id"), author: try row.get("author"), content: try row.get("content"),
            createdAt: try row.get("created_at"))
    }
}

enum ThreadWorkMigrations {
    static let all: [Migration] = [
        Migration(
            "thread-work-1",
            [
                """
                CREATE TABLE thread_note (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    thread_id \(.text) NOT NULL,
                    author \(.text) NOT NULL,
                    content \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX thread_note_thread ON thread_note (thread_id, id)",
                "CREATE INDEX thread_note_user ON thread_note (user_id)",
                """
                CREATE TABLE thread_assignment (
                    thread_id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    assignee \(.text) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX thread_assignment_user ON thread_assignment (user_id, assignee)",
            ])
    ]
}
