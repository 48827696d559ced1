import Storage
import TestSupport
import Testing

/// Many statements in one round trip.
@Suite(.timeLimit(.minutes(15))) struct RunBatchTests {
    private static let migrations = [
        Migration("batch-1", ["CREATE TABLE item (id \(.int64) PRIMARY KEY, text \(.text)) \(.strict)"])
    ]

    @Test(arguments: Engine.enabled) func everyStatementTellsHowManyRowsItChanged(engine: Engine) async throws {
        try await withStore(engine, migrations: Self.migrations) { store in
            let counts = try await store.write { tx in
                try tx.runBatch([
                    "INSERT INTO item (id, text) VALUES (1, \("one")), (2, NULL)",
                    "UPDATE item SET text = \("two") WHERE id = \(2)",
                    "UPDATE item SET text = \("three") WHERE id = \(3)",
                    "DELETE FROM item WHERE id IN \(list: [1, 2, 3])",
                ])
            }
            #expect(counts == [2, 1, 0, 2])
        }
    }

    /// More than a socket buffers, with values of some size.
    @Test(arguments: Engine.enabled) func aBatchMayBeLong(engine: Engine) async throws {
        try await withStore(engine, migrations: Self.migrations) { store in
            let text = String(repeating: "x", count: 4_000)
            let counts = try await store.write { tx in
                try tx.runBatch((0..<1_500).map { "INSERT INTO item (id, text) VALUES (\($0), \(text))" })
            }
            let total = try await store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM item", as: Int.self)
            }
            #expect(counts == Array(repeating: 1, count: 1_500))
            #expect(total == 1_500)
        }
    }

    @Test(arguments: Engine.enabled) func aFailureIsThatOfTheFirstAndNothingIsKept(engine: Engine) async throws {
        try await withStore(engine, migrations: Self.migrations) { store in
            let error = await #expect(throws: StorageError.self) {
                try await store.write { tx in
                    try tx.runBatch([
                        "INSERT INTO item (id) VALUES (\(1))",
                        "INSERT INTO item (id) VALUES (\(1))",
                        "INSERT INTO item (id) VALUES (\(2))",
                    ])
                }
            }
            if case .uniqueViolation = error {} else { Issue.record("\(String(describing: error))") }
            // The connection is of use afterwards.
            let counts = try await store.write { tx in
                try tx.runBatch(["INSERT INTO item (id) VALUES (7)", "DELETE FROM item"])
            }
            #expect(counts == [1, 1])
        }
    }
}
