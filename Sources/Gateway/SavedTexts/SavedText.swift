import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// The id of a saved text.
package typealias SavedTextID = ID<SavedText>

/// A text that is sent again and again, with placeholders where messages differ.
package struct SavedText: Sendable {
    /// Its id.
    package let id: SavedTextID
    let userID: UserID
    /// What it is called in lists; one line.
    package var name: String
    /// See ``PlaceholderText``.
    package var content: String
    let createdAt: Timestamp
    var updatedAt: Timestamp

    init(id: SavedTextID, userID: UserID, _ draft: SavedTextDraft, at now: Timestamp) {
        self.id = id
        self.userID = userID
        (name, content) = (draft.name, draft.content)
        createdAt = now
        updatedAt = now
    }

    /// Of one account: a list that somebody chooses from is not longer.
    package static let mostOfAccount = 100

    /// Makes it what `draft` says.
    mutating func apply(_ draft: SavedTextDraft, at now: Timestamp) {
        (name, content) = (draft.name, draft.content)
        updatedAt = now
    }
}

extension SavedText: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("user_id", userID.text)
            o.field("name", name)
            o.field("content", content)
            o.field("placeholders", PlaceholderText(content).names)
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
        }
    }
}

extension SavedText: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        name = try row.get("name")
        content = try row.get("content")
        createdAt = try row.get("created_at")
        updatedAt = try row.get("updated_at")
    }
}

enum SavedTextMigrations {
    static let all: [Migration] = [
        Migration(
            "saved-texts-1",
            [
                """
                CREATE TABLE saved_text (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    content \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX saved_text_user ON saved_text (user_id, created_at, id)",
            ])
    ]
}
