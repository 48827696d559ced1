import TestSupport
import Testing

@testable import Storage

/// What contains what, in a statement: the same on every engine.
struct SQLContainingTests {
    /// Texts, what is looked for, where it first stands as it is, and whether it is there in any case of ASCII.
    private static let table: [(text: String, part: String, place: Int, isInAnyCase: Bool)] = [
        ("", "", 1, true), ("a", "", 1, true), ("", "a", 0, false), ("abcabc", "bc", 2, true), ("abc", "B", 0, true),
        ("ABC", "b", 0, true), ("100% sure_thing", "%", 4, true), ("100% sure_thing", "e_t", 9, true),
        ("sure thing", "e_t", 0, false), ("sure", "s%e", 0, false), ("a\\b", "\\", 2, true), ("a\\%b", "\\%", 2, true),
        ("it's", "'", 3, true), ("a\"b", "\"", 2, true), ("a\\x41", "\\x41", 2, true), ("aA", "\\x41", 0, false),
        ("éa", "a", 3, true), ("Éa", "é", 0, false), ("漢字", "字", 4, true), ("e\u{301}", "é", 0, false),
        ("one\u{1}two", "two", 5, true), ("aaaaaaaaac", "aac", 8, true), ("aaaa", "aaaaa", 0, false),
    ]

    @Test(arguments: Engine.enabled) func textsAreComparedByteForByte(engine: Engine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.run("CREATE TABLE containing (content \(.text)) \(.strict)")
                for row in Self.table {
                    try tx.run("DELETE FROM containing")
                    try tx.run("INSERT INTO containing (content) VALUES (\(row.text))")

                    let place: Int? = try tx.value(
                        "SELECT \(SQL.place(of: row.part, in: "content")) AS value FROM containing")
                    let found = try tx.rows("SELECT content FROM containing WHERE \(SQL.contains("content", row.part))")
                    let alike = try tx.rows(
                        "SELECT content FROM containing WHERE \(SQL.contains(anyCase: "content", row.part))")

                    #expect(place == row.place, "\(row)")
                    #expect(found.count == (row.place > 0 ? 1 : 0), "\(row)")
                    #expect(alike.count == (row.isInAnyCase ? 1 : 0), "\(row)")
                }
                try tx.run("UPDATE containing SET content = NULL")
                #expect(try tx.rows("SELECT content FROM containing WHERE \(SQL.contains("content", "a"))").isEmpty)
            }
        }
    }
}
