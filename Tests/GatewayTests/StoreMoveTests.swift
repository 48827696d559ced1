import Foundation
import Storage
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// `httpsms migrate --from --to`, below the command.
@Suite(.timeLimit(.minutes(15))) struct StoreMoveTests {
    /// A table that a later migration makes is copied as well, for the list is the engine's own.
    @Test func everyRowOfEveryTableIsCopied() async throws {
        try await withStores { source, target in
            try await source.write { tx in
                // Deliveries are counted by the audit; those of the command's own test are real ones. Zeros count nothing.
                for (table, columns) in try Self.columns(in: tx)
                where table != "schema_migration" && table != "delivery" {
                    try tx.run("DELETE FROM \(SQL(stringLiteral: table))")
                    for number in 1...3 {
                        let values = columns.map { column -> SQLValue in
                            let isCount = ["tally", "endpoint_slot"].contains(table) && !column.isKey
                            return Self.value(of: column.type, number: isCount ? 0 : number)
                        }
                        try tx.run("INSERT INTO \(SQL(stringLiteral: table)) VALUES \(list: values)")
                    }
                }
            }

            let result = try await Self.move(source, target).run()

            let tables = try await source.read { try StoreMoveQueries.tables(in: $0) }
            #expect(result.rows == (tables.count - 1) * 3)
            for table in tables {
                let (ours, theirs) = (try await Self.rows(table, source), try await Self.rows(table, target))
                #expect(ours == theirs, "\(table.name)")
                #expect(ours.count == (table.name == "delivery" ? 0 : 3), "\(table.name)")
            }
            let isMarked = try await target.read { try StoreMoveQueries.isUnfinished(in: $0) }
            #expect(!isMarked)
        }
    }

    @Test func aTargetThatIsNotEmptyOrACopyOfAnotherStoreIsRefused() async throws {
        try await withStores { source, target in
            try await target.write { tx in try StoreMoveQueries.begin(source: "/another.sqlite", in: tx) }
            let other = await #expect(throws: MoveError.self) { _ = try await Self.move(source, target).run() }
            #expect("\(try #require(other))".contains("unfinished copy of /another.sqlite"))

            try await target.write { tx in try StoreMoveQueries.finish(in: tx) }
            _ = try await target.migrate(GatewayStore.migrations)
            let used = await #expect(throws: MoveError.self) { _ = try await Self.move(source, target).run() }
            #expect("\(try #require(used))".contains("not empty"))
        }
    }

    @Test func aSourceThatChangedBetweenTwoRunsIsNoticed() async throws {
        try await withStores { source, target in
            try await source.write { tx in
                for id in ["a", "b"] { try tx.run("INSERT INTO attachment_garbage (token) VALUES (\(id))") }
            }
            try await target.write { tx in try StoreMoveQueries.begin(source: Self.name, in: tx) }
            _ = try await target.migrate(GatewayStore.migrations)
            let tables = try await source.read { try StoreMoveQueries.tables(in: $0) }
            let table = try #require(tables.first { $0.name == "attachment_garbage" })
            // As a run leaves it that was ended behind the first row.
            try await target.write { tx in
                try StoreMoveQueries.start(table, in: tx)
                try tx.run("INSERT INTO attachment_garbage (token) VALUES ('a')")
                try StoreMoveQueries.advance(table.name, to: "[\"ta\"]", by: 1, in: tx)
            }
            _ = try await source.write { try $0.run("UPDATE attachment_garbage SET token = '0' WHERE token = 'a'") }

            let error = await #expect(throws: MoveError.self) { _ = try await Self.move(source, target).run() }

            #expect("\(try #require(error))".contains("attachment_garbage differ"))
        }
    }

    private static let name = "/store.sqlite"

    private static func move(_ source: any Store, _ target: any Store) -> StoreMove {
        StoreMove(source: source, target: target, sourceName: name, attachments: nil, report: { _ in })
    }

    private static func rows(_ table: MovedTable, _ store: any Store) async throws -> [[SQLValue]] {
        try await store.read { tx in
            try StoreMoveQueries.page(of: table, after: nil, limit: 100, in: tx).map { row in
                try table.columns.map { try row.find($0, as: SQLValue.self) ?? .null }
            }
        }
    }

    private static func columns(
        in tx: any Transaction
    ) throws -> [(table: String, columns: [(type: String, isKey: Bool)])] {
        try tx.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name").map
        {
            let table: String = try $0.get("name")
            let columns = try tx.rows("SELECT type, pk FROM pragma_table_info(\(table)) ORDER BY cid")
            return (table, try columns.map { (try $0.get("type"), try $0.get("pk", as: Int.self) > 0) })
        }
    }

    private static func value(of type: String, number: Int) -> SQLValue {
        switch type {
        case "INTEGER": .int64(Int64(number))
        case "BLOB": .blob([UInt8(number), 0, 255])
        case "REAL": .double(0.1 + Double(number))
        default: .text("\(number) ü'")
        }
    }

    private func withStores(_ body: (any Store, any Store) async throws -> Void) async throws {
        try await withStore(.sqlite, migrations: GatewayStore.migrations) { source in
            try await withStore(.postgresql) { target in try await body(source, target) }
        }
    }
}
