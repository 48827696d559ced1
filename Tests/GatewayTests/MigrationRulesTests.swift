@testable import Gateway
@testable import Server
import Storage
import RegexBuilder
import TestSupport
import Testing

/// What a migration must not do to a store that servers use: the rules of `Migration`, by the text of each.
@Suite(.onOneEngine) struct MigrationRulesTests {
    /// Older than the rules. Nothing is ever added here.
    private static let older: Set = [
        "bulk-messages-1", "delivery-2", "messages-2", "messages-3", "heartbeats-2", "send-schedules-1", "threads-1",
        "user-erasure-1",
    ]

    @Test func everyMigrationKeepsTheRules() {
        for migration in GatewayStore.migrations where !Self.older.contains(migration.id) {
            #expect(broken(migration) == [], "\(migration.id)")
        }
    }

    @Test func olderMigrationsAreThoseThatBreakThem() {
        let found = GatewayStore.migrations.filter { !broken($0).isEmpty }.map(\.id)
        #expect(Set(found) == Self.older)
    }

    @Test(
        arguments: [
            ("CREATE INDEX phone_name ON phone (name)", false),
            ("CREATE TABLE device (id BIGINT PRIMARY KEY)", true),
            ("ALTER TABLE phone ADD COLUMN name TEXT", true),
            ("ALTER TABLE phone ADD COLUMN paced BIGINT NOT NULL DEFAULT 0", true),
            ("ALTER TABLE phone ADD COLUMN made_at BIGINT NOT NULL DEFAULT clock_timestamp()", false),
            ("ALTER TABLE phone ADD COLUMN name TEXT UNIQUE", false),
            ("ALTER TABLE phone ALTER COLUMN name TYPE BYTEA", false),
            ("ALTER TABLE phone ALTER COLUMN name DROP NOT NULL", true),
            ("ALTER TABLE phone ALTER COLUMN name SET NOT NULL", false),
            ("UPDATE phone SET name = ''", false),
            ("UPDATE endpoint SET public_only = 1", true),
            ("DROP TABLE phone", false),
            ("CREATE VIEW phone_name AS SELECT name FROM phone", true),
            ("DROP INDEX phone_name", true),
        ] as [(String, Bool)])
    func aStatementIsAllowedOrNot(text: String, isAllowed: Bool) {
        #expect(broken(Migration("example", [SQL(stringLiteral: text)])).isEmpty == isAllowed)
    }

    @Test func anIndexOfANewTableIsAllowed() {
        let migration = Migration("example", ["CREATE TABLE a (id \(.int64))", "CREATE UNIQUE INDEX a_id ON a (id)"])
        #expect(broken(migration) == [])
    }

    /// The statements that would stop writers, or that a server of the version before could not work with.
    private func broken(_ migration: Migration) -> [String] {
        var made: Set<Substring> = []
        return migration.statements.map { $0.text(for: .postgresql) }.filter { text in
            if let table = text.firstMatch(of: /^CREATE TABLE (\w+)/)?.1 {
                made.insert(table)
                return false
            }
            if let table = text.firstMatch(of: /^CREATE (?:UNIQUE )?INDEX \w+\s+ON (\w+)/)?.1 {
                return !made.contains(table)
            }
            // Nothing is read before somebody asks.
            if text.hasPrefix("CREATE VIEW ") { return false }
            // Servers of the version before are slower without it, and no less right.
            if text.wholeMatch(of: /DROP INDEX \w+/) != nil { return false }
            // Changes the catalogue only; what the version before writes there is never NULL.
            if text.wholeMatch(of: /ALTER TABLE \w+ ALTER COLUMN \w+ DROP NOT NULL/) != nil { return false }
            // An account has a few dozen at most, and versions before know every column: nobody waits for long.
            if text.firstMatch(of: /^UPDATE endpoint\s/) != nil { return false }
            let column = /ALTER TABLE \w+ ADD COLUMN \w+ (?:BIGINT|TEXT COLLATE "C"|TEXT|BYTEA|DOUBLE PRECISION)/
            let value = /(?: NOT NULL)?(?: DEFAULT (?:\d+|'[^']*'))?/
            if text.wholeMatch(
                of: Regex {
                    column; value
                }) != nil
            {
                return false
            }
            return text.wholeMatch(of: /INSERT INTO \w+ (?:\([^)]*\) )?VALUES .*/.dotMatchesNewlines()) == nil
        }
    }
}
