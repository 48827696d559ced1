import Storage

/// What searches look through, as a column: the folded fields of a row, each between two marks that no folded text has.
enum SearchText {
    /// Between two fields. Control characters are dropped from every folded text.
    static let mark = "\u{1}"

    /// Of a message: content, contact, reason of the failure, the client's reference.
    static func of(_ message: Message) -> String {
        of(
            content: message.content, contact: message.contact, failureReason: message.failureReason,
            requestID: message.requestID)
    }

    /// Of the fields of a message.
    static func of(content: String, contact: String, failureReason: String?, requestID: String?) -> String {
        join([content, contact, failureReason ?? "", requestID ?? ""])
    }

    /// Of a thread: its last content, contact.
    static func of(threadContent: String, contact: String) -> String { join([threadContent, contact]) }

    /// Whether the content in `column`, which is before all marks, contains `text`, which is folded and has none.
    static func contentContains(_ column: SQL, _ text: String) -> SQL {
        "\(SQL.place(of: text, in: column)) BETWEEN 1 AND \(SQL.place(of: mark, in: column))"
    }

    private static func join(_ fields: [String]) -> String { fields.map(FoldedText.of).joined(separator: mark) }
}

extension SearchText {
    /// Columns of folded texts. Rows of before, and of servers of the version before, have NULL until ``SearchFillQueries`` comes
    /// to them.
    static let migrations: [Migration] = [
        Migration(
            "search-1",
            [
                "ALTER TABLE message ADD COLUMN search_text \(.text)",
                "ALTER TABLE message_thread ADD COLUMN search_text \(.text)",
            ],
            indexes: [
                TableIndex("message_unfolded", on: "message", "(user_id, created_at, id) WHERE search_text IS NULL"),
                TableIndex("message_thread_unfolded", on: "message_thread", "(user_id, id) WHERE search_text IS NULL"),
            ])
    ]
}
