import TestSupport
import Testing

@testable import Storage

/// Databases whose owner set something that nobody expects.
@Suite(.timeLimit(.minutes(15))) struct PostgresDatabaseTests {
    /// Runs `body` with the URL of a new database that was changed by `settings`, and drops the database.
    private static func withDatabase(
        _ creation: String = "", settings: [String] = [], _ body: (String) async throws -> Void
    ) async throws {
        let name = TestPostgres.newName()
        try await TestPostgres.administer("CREATE DATABASE \(name) \(creation)")
        try await cleaning {
            try await TestPostgres.administer("DROP DATABASE \(name) WITH (FORCE)")
        } after: {
            for setting in settings { try await TestPostgres.administer("ALTER DATABASE \(name) SET \(setting)") }
            try await body(try TestPostgres.url().replacing("/postgres?", with: "/\(name)?"))
        }
    }

    @Test(arguments: ["LATIN1", "SQL_ASCII"])
    func anEncodingThatCannotHoldEveryTextIsRefused(encoding: String) async throws {
        let creation = "TEMPLATE template0 ENCODING '\(encoding)' LC_COLLATE 'C' LC_CTYPE 'C'"
        try await Self.withDatabase(creation) { url in
            let error = await #expect(throws: StorageError.self) {
                try await PostgresStore.open(url: url, connections: 1).close()
            }
            let words = "\(try #require(error))"
            #expect(words.contains("is \(encoding).") && words.contains("--encoding UTF8"), "\(words)")
        }
    }

    @Test(arguments: ["nosuch", "pg_temp, public"])
    func aSearchPathWithoutASchemaIsRefused(path: String) async throws {
        try await Self.withDatabase(settings: ["search_path = \(path)"]) { url in
            let store = try await PostgresStore.open(url: url, connections: 2)
            try await closing(store) {
                let error = await #expect(throws: StorageError.self) {
                    try await store.migrate([Migration("one", ["CREATE TABLE thing (id \(.int64) NOT NULL)"])])
                }
                let words = "\(try #require(error))"
                #expect(words.contains("search_path"), "\(words)")
            }
        }
    }

    @Test func bytesAndTextsComeBackWhateverTheSettings() async throws {
        let settings = [
            "bytea_output = escape", "standard_conforming_strings = off", "client_encoding = LATIN1",
            "DateStyle = German", "TimeZone = 'Asia/Kolkata'", "transform_null_equals = on",
        ]
        try await Self.withDatabase(settings: settings) { url in
            let store = try await PostgresStore.open(url: url, connections: 1)
            try await closing(store) {
                let table: SQL = "CREATE TABLE thing (bytes \(.blob) NOT NULL, words \(.text) NOT NULL)"
                _ = try await store.migrate([Migration("one", [table])])
                let words = #"\x41 \' " % Grüße \u{2028} 😀"#
                for bytes: [UInt8] in [[], Array(0...255), Array(#"\x41\\101"#.utf8), [0x5c], [0x5c, 0x78]] {
                    try await store.write { tx in
                        try tx.run("DELETE FROM thing WHERE words <> ''")
                        try tx.run("INSERT INTO thing (bytes, words) VALUES (\(bytes), \(words))")
                    }
                    let row = try #require(try await store.read { try $0.rows("SELECT * FROM thing") }.first)
                    let (storedBytes, storedWords): ([UInt8], String) = (try row.get("bytes"), try row.get("words"))
                    #expect(storedBytes == bytes && storedWords == words)
                }
            }
        }
    }
}
