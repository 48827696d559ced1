import Storage
import Testing
import TestSupport
import Timestamps

struct RoundTripTests {
    private static let table = Migration(
        "cells",
        ["CREATE TABLE cell (id \(.int64) PRIMARY KEY, i \(.int64), d \(.double), t \(.text), b \(.blob)) \(.strict)"])

    @Test(arguments: Engine.enabled, [0, 1, -1, 1 << 53, -(1 << 53)] as [Int64])
    func wholeNumbersComeBack(engine: Engine, value: Int64) async throws {
        #expect(try await stored(engine, "i", value) == value)
    }

    /// What is copied as a cell stays as it is.
    @Test(arguments: Engine.enabled, [.max, .min] as [Int64])
    func wholeNumbersBeyond53BitsComeBackAsTheNearest(engine: Engine, value: Int64) async throws {
        #expect(try await stored(engine, "i", value) == (value > 0 ? 1 << 53 : -(1 << 53)))
        #expect(try await stored(engine, "i", SQLValue.int64(value)) == .int64(value))
    }

    @Test func aSumThatSQLiteGivesAsAFloatingPointNumberIsRead() async throws {
        let sum = try await withStore(.sqlite) { store in
            try await store.read {
                try $0.value("SELECT 9223372036854775807 + 9223372036854775807 AS value", as: Int64.self)
            }
        }

        #expect(sum == 1 << 53)
    }

    @Test(arguments: Engine.enabled, [0, -0.5, 1e300, .leastNonzeroMagnitude, .infinity])
    func floatingPointNumbersComeBack(engine: Engine, value: Double) async throws {
        #expect(try await stored(engine, "d", value) == value)
    }

    @Test(
        arguments: Engine.enabled,
        ["", "a", "Grüße 👋🏽", String(repeating: "x", count: 5_000)])
    func textsComeBack(engine: Engine, value: String) async throws {
        #expect(try await stored(engine, "t", value) == value)
    }

    @Test(arguments: ["nul\u{0}inside", "\u{0}"])
    func aNULComesBackOrIsRefusedButNeverCutOff(value: String) async throws {
        #expect(try await stored(.sqlite, "t", value) == value)
        let error = await #expect(throws: StorageError.self) { try await stored(.postgresql, "t", value) }
        #expect(error.map { "\($0)".contains("NUL") } == true)
    }

    @Test(arguments: Engine.enabled, [[], [0], [0, 1, 0, 255], [UInt8](repeating: 7, count: 5_000)] as [[UInt8]])
    func blobsComeBack(engine: Engine, value: [UInt8]) async throws {
        #expect(try await stored(engine, "b", value) == value)
    }

    @Test(arguments: Engine.enabled)
    func absentValuesTruthValuesAndTimesComeBack(engine: Engine) async throws {
        #expect(try await stored(engine, "t", nil as String?) == nil)
        #expect(try await stored(engine, "b", nil as [UInt8]?) == nil)
        #expect(try await stored(engine, "i", true) == true)
        #expect(try await stored(engine, "i", Timestamp(microseconds: -5)) == Timestamp(microseconds: -5))
        #expect(try await stored(engine, "i", Duration.milliseconds(1_500)) == .milliseconds(1_500))
    }

    @Test(arguments: Engine.enabled)
    func aColumnOfAnotherTypeIsReportedAsCorrupt(engine: Engine) async throws {
        await #expect(throws: StorageError.corrupt("column value does not hold a Int")) {
            try await withStore(engine) { store in
                try await store.read { try $0.value("SELECT 'three' AS value", as: Int.self) }
            }
        }
    }

    @Test(arguments: Engine.enabled)
    func rowsKeepTheOrderOfTheStatement(engine: Engine) async throws {
        let found = try await withStore(engine, migrations: [Self.table]) { store in
            try await store.write { transaction in
                for id in [2, 3, 1] { try transaction.run("INSERT INTO cell (id) VALUES (\(id))") }
                return try transaction.rows("SELECT id FROM cell ORDER BY id DESC").map {
                    try $0.get("id", as: Int.self)
                }
            }
        }

        #expect(found == [3, 2, 1])
    }

    @Test(arguments: Engine.enabled)
    func runCountsTheRowsOfItsOwnStatement(engine: Engine) async throws {
        let counts = try await withStore(engine, migrations: [Self.table]) { store in
            try await store.write { transaction in
                let inserted = try transaction.run("INSERT INTO cell (id, i) VALUES (1, 1), (2, 2), (3, 3)")
                let table = try transaction.run("CREATE TABLE other (id \(.int64) PRIMARY KEY)")
                let updated = try transaction.run("UPDATE cell SET i = 0 WHERE id > \(1)")
                let none = try transaction.run("DELETE FROM cell WHERE id = \(9)")
                return [inserted, table, updated, none]
            }
        }

        #expect(counts == [3, 0, 2, 0])
    }

    @Test(arguments: Engine.enabled)
    func columnsOfAStarFollowTheSchema(engine: Engine) async throws {
        let value = try await withStore(engine, migrations: [Self.table]) { store in
            try await store.write { transaction in
                try transaction.run("INSERT INTO cell (id) VALUES (1)")
                _ = try transaction.rows("SELECT * FROM cell")
                try transaction.run("ALTER TABLE cell ADD COLUMN extra \(.int64) DEFAULT 4")
                return try transaction.rows("SELECT * FROM cell").first?.get("extra", as: Int.self)
            }
        }

        #expect(value == 4)
    }

    private func stored<Value: SQLConvertible>(_ engine: Engine, _ column: String, _ value: Value?) async throws
        -> Value?
    {
        try await withStore(engine, migrations: [Self.table]) { store in
            let name = SQL(stringLiteral: column)
            _ = try await store.write { try $0.run("INSERT INTO cell (id, \(name)) VALUES (1, \(value))") }
            return try await store.read { try $0.value("SELECT \(name) AS value FROM cell", as: Value.self) }
        }
    }
}
