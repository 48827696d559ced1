import TestSupport
import Testing

@testable import Storage

struct SQLShapeTests {
    @Test(
        arguments: [
            ("SELECT \(1)", "SELECT \(2)"), ("SELECT \(1)", "SELECT \("a")"), ("SELECT \(nil as Int?)", "SELECT \(1)"),
            ("\(.blob) \(list: [1, 2])", "\(.blob) \(list: [3, 4])"), ("a \(literal: 7)", "a \(literal: 7)"),
        ] as [(SQL, SQL)])
    func valuesAreNoPartOfAShape(one: SQL, other: SQL) {
        #expect(SQLShape(one) == SQLShape(other))
        #expect(SQLShape(one).hashValue == SQLShape(other).hashValue)
        #expect(SQLShape(one).withoutValues == SQLShape(other))
        #expect(one.text(for: .sqlite) == other.text(for: .sqlite))
    }

    /// Most have the same lengths, and so the same hash.
    @Test(
        arguments: [
            ("SELECT a", "SELECT b"), ("SELECT \(1)", "SELECT  "), ("SELECT \(1) a", "SELECT a \(1)"),
            ("\(.blob)", "\(.text)"), ("\(list: [1])", "\(list: [1, 2])"), ("a \(literal: 7)", "a \(literal: 8)"),
            ("\(.allowNull(table: "a", column: "b"))", "\(.allowNull(table: "a", column: "c"))"), ("", " "),
        ] as [(SQL, SQL)])
    func otherTextsAreOtherShapes(one: SQL, other: SQL) {
        #expect(SQLShape(one) != SQLShape(other))
    }

    /// A shape that is told from another by its hash alone would run the wrong statement.
    @Test func statementsOfTheSameLengthsAreKeptApart() async throws {
        try await withStore(.sqlite, migrations: []) { store in
            for _ in 0..<2 {
                for (statement, sum) in [("SELECT 1 + \(2) AS value", 3), ("SELECT 3 + \(4) AS value", 7)]
                    as [(SQL, Int)]
                {
                    let value: Int? = try await store.write { try $0.value(statement) }
                    #expect(value == sum)
                }
            }
        }
    }

    @Test func ofTwoColumnsOfOneNameTheLastIsRead() {
        let names = ColumnNames(["a", "a rather long name of a column", "b", "a"])

        #expect(names.index(of: "a") == 3)
        #expect(names.index(of: "a rather long name of a column") == 1)
        #expect(names.index(of: "c") == nil)
    }
}
