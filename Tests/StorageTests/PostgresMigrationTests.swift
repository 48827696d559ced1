import TestSupport
import Testing

@testable import Storage

/// Migrations beside transactions of others, as in an upgrade of one server after the other.
@Suite(.timeLimit(.minutes(15))) struct PostgresMigrationTests {
    private static let items = Migration(
        "items-1",
        [
            "CREATE TABLE item (id \(.int64) PRIMARY KEY, value \(.int64) NOT NULL) \(.strict)",
            "CREATE TABLE other (id \(.int64) PRIMARY KEY) \(.strict)",
            "INSERT INTO item VALUES (1, 0), (2, 0)",
        ])
    private static let column = Migration("items-2", ["ALTER TABLE item ADD COLUMN name \(.text)"])
    private static let index = Migration(
        "items-3", [], indexes: [TableIndex("item_value", on: "item", "(value) WHERE value > 0")])

    private func withItems(_ body: (PostgresStore, String) async throws -> Void) async throws {
        try await withPostgresURL { url in
            let store = try await PostgresStore.open(url: url, connections: 4)
            try await closing(store) {
                _ = try await store.migrate([Self.items])
                try await body(store, url)
            }
        }
    }

    @Test func writersGoOnWhileAMigrationWaitsForALongReader() async throws {
        try await withItems { store, url in
            let reader = try PostgresConnection(to: PostgresServers(url: url))
            try reader.execute("BEGIN; SELECT * FROM item")
            let log = LogRecorder()
            async let applied = store.migrate([Self.items, Self.column], logger: log.logger)
            var longest = Duration.zero
            var writes = 0

            // Three times the migration stood in the queue before the writers, and left it.
            try await until("the migration gave way") {
                let start = ContinuousClock.now
                _ = try await store.write { try $0.run("UPDATE item SET value = value + 1 WHERE id = 1") }
                longest = max(longest, .now - start)
                writes += 1
                return log.lines.count { $0.message == "a migration has to wait and is tried again" } >= 3
            }
            try reader.execute("COMMIT")

            let ids = try await applied
            #expect(ids == ["items-2"])
            // Without giving way they would wait for the reader, which never ends by itself.
            #expect(longest < .seconds(15), "\(writes) writes")
        }
    }

    @Test func aMigrationThatNeverGetsItsTableSaysWhatToMend() async throws {
        try await withItems { store, url in
            let reader = try PostgresConnection(to: PostgresServers(url: url))
            try reader.execute("BEGIN; SELECT * FROM item")

            let error = await #expect(throws: StorageError.self) {
                try await store.migrate([Self.items, Self.column], patience: .zero)
            }

            #expect("\(try #require(error))".contains("items-2 could not be applied"))
            try reader.execute("COMMIT")
            let applied = try await store.migrate([Self.items, Self.column])
            #expect(applied == ["items-2"])
        }
    }

    @Test func anIndexIsBuiltBesideWriters() async throws {
        try await withItems { store, url in
            let reader = try PostgresConnection(to: PostgresServers(url: url))
            try reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM other")
            async let applied = store.migrate([Self.items, Self.index])
            let observer = try PostgresConnection(to: PostgresServers(url: url))
            _ = try await eventually("the build waits for the reader") { try builder(observer) }

            _ = try await store.write { try $0.run("UPDATE item SET value = 7 WHERE id = 1") }
            try reader.execute("COMMIT")

            let ids = try await applied
            #expect(ids == ["items-3", "items-3/item_value"])
            #expect(try isValid(observer) == true)
        }
    }

    @Test func anIndexThatACrashLeftUnfinishedIsBuiltAnew() async throws {
        try await withItems { store, url in
            let reader = try PostgresConnection(to: PostgresServers(url: url))
            try reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM other")
            let crashed = Task { try await store.migrate([Self.items, Self.index], patience: .zero) }
            let observer = try PostgresConnection(to: PostgresServers(url: url))
            let process = try await eventually("the build waits for the reader") { try builder(observer) }
            try observer.execute("SELECT pg_terminate_backend(\(process))")

            let error = await #expect(throws: StorageError.self) { _ = try await crashed.value }
            #expect("\(try #require(error))".contains("items-3/item_value"))
            #expect(try isValid(observer) == false)

            try reader.execute("COMMIT")
            let applied = try await store.migrate([Self.items, Self.index])

            #expect(applied == ["items-3/item_value"])
            #expect(try isValid(observer) == true)
        }
    }

    /// One builds, and the other waits without holding up what the build waits for.
    @Test func twoThatBuildTheSameIndexBuildItOnce() async throws {
        try await withItems { store, _ in
            async let one = store.migrate([Self.items, Self.index])
            async let other = store.migrate([Self.items, Self.index])

            let applied = try await one + other

            #expect(applied.sorted() == ["items-3", "items-3/item_value"])
        }
    }

    /// The process of the server that builds the index of this test and waits; nil while there is none.
    private func builder(_ connection: PostgresConnection) throws -> Int? {
        try connection.run(
            """
            SELECT pg_stat_activity.pid AS value
            FROM pg_stat_activity
            JOIN pg_locks ON pg_locks.pid = pg_stat_activity.pid AND pg_locks.relation = to_regclass('item')
            WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event = 'virtualxid'
            """, dialect: .postgresql
        ).rows().first?.get("value")
    }

    private func isValid(_ connection: PostgresConnection) throws -> Bool? {
        try connection.run(
            "SELECT indisvalid AS value FROM pg_index WHERE indexrelid = to_regclass('item_value')",
            dialect: .postgresql
        ).rows().first?.get("value")
    }
}
