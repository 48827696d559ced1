import Storage
import Testing

struct SQLTests {
    @Test func valuesBecomeBindsInTheirOrder() {
        let name = "x'); DROP TABLE phone; --"
        let statement: SQL = "SELECT id FROM phone WHERE name = \(name) AND size > \(3) AND note IS \(nil as String?)"

        #expect(statement.text(for: .sqlite) == "SELECT id FROM phone WHERE name = ? AND size > ? AND note IS ?")
        #expect(binds(statement) == [.text(name), .int64(3), .null])
    }

    @Test func positionsCountFromOne() {
        var positions: [Int32] = []

        ("a \(true) b \(2.5)" as SQL).forEachBind { position, _ in positions.append(position) }

        #expect(positions == [1, 2])
    }

    @Test(
        arguments: [
            ([], "(NULL)", []),
            ([7], "(?)", [.int64(7)]),
            ([1, 2, 3], "(?, ?, ?)", [.int64(1), .int64(2), .int64(3)]),
        ] as [([Int], String, [SQLValue])])
    func aListIsWrittenInParentheses(values: [Int], text: String, expected: [SQLValue]) {
        let statement: SQL = "\(list: values)"

        #expect(statement.text(for: .sqlite) == text)
        #expect(binds(statement) == expected)
    }

    @Test(
        arguments: [
            (.int64, "INTEGER"), (.text, "TEXT"), (.blob, "BLOB"), (.double, "REAL"), (.strict, "STRICT"),
            (.forUpdate, ""), (.forUpdateSkipLocked, ""), (.nameLock, ""), (.ofName, ""),
        ] as [(SQLFragment, String)])
    func fragmentsAreSpelledForSQLite(fragment: SQLFragment, text: String) {
        #expect(("<\(fragment)>" as SQL).text(for: .sqlite) == "<\(text)>")
    }

    @Test func literalsAndStatementsAreWrittenInPlace() {
        let condition: SQL = "state = \(literal: 0) AND id = \(9)"

        let statement: SQL = "SELECT 1 WHERE \(condition)" + "LIMIT \(5)"

        #expect(statement.text(for: .sqlite) == "SELECT 1 WHERE state = 0 AND id = ? LIMIT ?")
        #expect(binds(statement) == [.int64(9), .int64(5)])
    }

    @Test func aPlainTextIsItself() {
        #expect(("SELECT 1" as SQL).text(for: .sqlite) == "SELECT 1")
        #expect(("" as SQL).text(for: .sqlite) == "")
    }

    private func binds(_ statement: SQL) -> [SQLValue] {
        var binds: [SQLValue] = []
        statement.forEachBind { _, value in binds.append(value) }
        return binds
    }

    @Test func bindsAreNumberedAndLocksLeftOutOfReads() {
        let statement: SQL = "SELECT \(1), \("a") FROM item \(.forUpdate)"

        #expect(statement.text(for: .postgresql) == "SELECT $1, $2 FROM item FOR UPDATE")
        #expect(statement.text(for: .postgresqlReadOnly) == "SELECT $1, $2 FROM item ")
        #expect(statement.text(for: .sqlite) == "SELECT ?, ? FROM item ")
    }
}
