import Storage
import Testing
import TestSupport

struct MigratorTests {
    private static let first = Migration("phones-1", ["CREATE TABLE phone (id \(.int64) PRIMARY KEY) \(.strict)"])
    private static let second = Migration(
        "phones-2", ["ALTER TABLE phone ADD COLUMN name \(.text)", "INSERT INTO phone VALUES (1, \("Ada"))"])

    private static let index = TableIndex("phone_name", on: "phone", "(name) WHERE name IS NOT NULL", isUnique: true)

    @Test(arguments: Engine.enabled)
    func aNewStoreGetsAllInOrder(engine: Engine) async throws {
        try await withStore(engine) { store in
            let applied = try await store.migrate([Self.first, Self.second])

            #expect(applied == ["phones-1", "phones-2"])
            #expect(try await store.read { try $0.value("SELECT name AS value FROM phone", as: String.self) } == "Ada")
        }
    }

    @Test(arguments: Engine.enabled)
    func onlyWhatIsMissingIsApplied(engine: Engine) async throws {
        try await withStore(engine, migrations: [Self.first]) { store in
            let repeated = try await store.migrate([Self.first])
            let extended = try await store.migrate([Self.first, Self.second])
            let repeatedAgain = try await store.migrate([Self.first, Self.second])

            #expect([repeated, extended, repeatedAgain] == [[], ["phones-2"], []])
        }
    }

    @Test(arguments: Engine.enabled)
    func runnersAtTheSameTimeApplyEachOnce(engine: Engine) async throws {
        try await withStore(engine) { store in
            async let one = store.migrate([Self.first, Self.second])
            async let other = store.migrate([Self.first, Self.second])

            let applied = try await one + other

            #expect(applied.sorted() == ["phones-1", "phones-2"])
        }
    }

    @Test(arguments: Engine.enabled)
    func aChangedTextIsRefused(engine: Engine) async throws {
        try await withStore(engine, migrations: [Self.first]) { store in
            let edited = Migration("phones-1", ["CREATE TABLE phone (id \(.text) PRIMARY KEY) \(.strict)"])

            let error = await #expect(throws: StorageError.self) { _ = try await store.migrate([edited, Self.second]) }

            let words = try #require(corruption(error))
            #expect(words.contains("phones-1 was applied with another text"))
            #expect(try await store.migrate([Self.first, Self.second]) == ["phones-2"])
        }
    }

    @Test(arguments: Engine.enabled)
    func aChangedValueOrBoundaryIsRefused(engine: Engine) async throws {
        try await withStore(engine, migrations: [Self.first, Self.second]) { store in
            let value = Migration(
                "phones-2", ["ALTER TABLE phone ADD COLUMN name \(.text)", "INSERT INTO phone VALUES (1, \("Eve"))"])

            await #expect(throws: StorageError.self) { _ = try await store.migrate([Self.first, value]) }
        }
    }

    @Test(arguments: Engine.enabled)
    func aNewerVersionThatOnlyAddedIsAWarning(engine: Engine) async throws {
        let newer = Migration("phones-2", Self.second.statements, indexes: [Self.index])
        try await withStore(engine, migrations: [Self.first, newer]) { store in
            let log = LogRecorder()

            let applied = try await store.migrate([Self.first], logger: log.logger)

            #expect(applied == [])
            let warned = log.lines.filter { "\($0)".hasPrefix("warning") }.compactMap { $0.metadata["migration"] }
            #expect(warned == ["phones-2", "phones-2/phone_name"])
        }
    }

    @Test(arguments: Engine.enabled)
    func aNewerVersionThatChangedTheStoreIsRefused(engine: Engine) async throws {
        let newer = Migration("phones-2", ["ALTER TABLE phone RENAME TO device"], isAdditive: false)
        try await withStore(engine, migrations: [Self.first, newer]) { store in
            let error = await #expect(throws: StorageError.self) { _ = try await store.migrate([Self.first]) }

            let words = try #require(corruption(error))
            #expect(words.contains("phones-2") && words.contains("newer version"))
        }
    }

    /// Stores of before steps said whether they only add.
    @Test(arguments: Engine.enabled)
    func stepsOfBeforeCountAsAdditive(engine: Engine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.run(
                    """
                    CREATE TABLE schema_migration (
                        id \(.text) PRIMARY KEY, checksum \(.text) NOT NULL, applied_at \(.int64) NOT NULL
                    ) \(.strict)
                    """)
                try tx.run("INSERT INTO schema_migration VALUES ('phones-0', 'unknown', 1)")
            }

            let applied = try await store.migrate([Self.first])
            let repeated = try await store.migrate([Self.first])

            #expect([applied, repeated] == [["phones-1"], []])
        }
    }

    @Test(arguments: Engine.enabled)
    func indexesAreMadeAfterTheStatementsAndOnce(engine: Engine) async throws {
        try await withStore(engine, migrations: [Self.first]) { store in
            let extended = Migration("phones-2", Self.second.statements, indexes: [Self.index])

            let applied = try await store.migrate([Self.first, extended])
            let repeated = try await store.migrate([Self.first, extended])

            #expect([applied, repeated] == [["phones-2", "phones-2/phone_name"], []])
            let second = await #expect(throws: StorageError.self) {
                try await store.write { try $0.run("INSERT INTO phone VALUES (2, 'Ada')") }
            }
            guard case .uniqueViolation = second else {
                Issue.record("\(String(describing: second))")
                return
            }
        }
    }

    @Test(arguments: Engine.enabled)
    func aMigrationThatFailsLeavesNothingBehind(engine: Engine) async throws {
        try await withStore(engine) { store in
            let broken = Migration("phones-1", ["CREATE TABLE phone (id \(.int64))", "CREATE NONSENSE"])

            await #expect(throws: StorageError.self) { _ = try await store.migrate([broken]) }

            let applied = try await store.migrate([Self.first])
            #expect(applied == ["phones-1"])
        }
    }

    private func corruption(_ error: StorageError?) -> String? {
        guard case .corrupt(let words) = error else { return nil }
        return words
    }
}
