import Delivery
import Storage
import Timestamps

/// Reads and writes saved texts.
package enum SavedTextQueries {
    /// The texts of `userID`, newest first. Index: `saved_text_user`.
    static func list(userID: UserID, page: Page, in tx: any Transaction) throws -> [SavedText] {
        try tx.all(
            SavedText.self,
            """
            SELECT *
            FROM saved_text
            WHERE user_id = \(userID)
            ORDER BY created_at DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// The names of all texts of `userID`, in the order of the alphabet. Index: `saved_text_user`.
    package static func names(userID: UserID, in tx: any Transaction) throws -> [(id: SavedTextID, name: String)] {
        let names: [(id: SavedTextID, name: String)] = try tx.all(
            """
            SELECT id, name
            FROM saved_text
            WHERE user_id = \(userID)
            ORDER BY created_at DESC, id DESC
            LIMIT \(SavedText.mostOfAccount)
            """
        ) { (try $0.get("id"), try $0.get("name")) }
        return names.sorted { ($0.name.lowercased(), $0.id.text) < ($1.name.lowercased(), $1.id.text) }
    }

    /// How many `userID` has. Index: `saved_text_user`.
    static func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM saved_text WHERE user_id = \(userID)") ?? 0
    }

    /// The text `id` of `userID`.
    static func look(_ id: SavedTextID, userID: UserID, in tx: any Transaction) throws -> SavedText? {
        try tx.first(SavedText.self, "SELECT * FROM saved_text WHERE id = \(id) AND user_id = \(userID)")
    }

    /// The same, locked.
    static func find(_ id: SavedTextID, userID: UserID, in tx: any Transaction) throws -> SavedText? {
        try tx.first(
            SavedText.self, "SELECT * FROM saved_text WHERE id = \(id) AND user_id = \(userID) \(.forUpdate)")
    }

    /// Stores a text, new or changed.
    static func save(_ text: SavedText, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO saved_text (id, user_id, name, content, created_at, updated_at)
            VALUES (
                \(text.id), \(text.userID), \(text.name), \(text.content), \(text.createdAt), \(text.updatedAt))
            ON CONFLICT (id) DO UPDATE SET
                name = excluded.name, content = excluded.content, updated_at = excluded.updated_at
            """)
    }

    /// Deletes the text `id`; false when `userID` has no such text.
    static func delete(_ id: SavedTextID, userID: UserID, in tx: any Transaction) throws -> Bool {
        try tx.run("DELETE FROM saved_text WHERE id = \(id) AND user_id = \(userID)") == 1
    }
}
