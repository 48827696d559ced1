/// One step of the schema: applied once, in order, and never edited after a release.
///
/// During an upgrade, servers of this version and of the one before use the store side by side. So a step only adds, and
/// stops nobody: columns without a default that has to be computed, tables, and ``TableIndex`` for tables that are there.
/// A test looks at the text of every step.
package struct Migration: Sendable {
    /// A name that is unique and sorts nowhere in particular, such as `phones-1`.
    package let id: String
    /// Run in order, in one transaction.
    package let statements: [SQL]
    /// Made after the statements, one by one, beside those who write; recorded as `ID/NAME`.
    package let indexes: [TableIndex]
    /// Whether a version that does not know this step can work with what it leaves.
    package let isAdditive: Bool

    /// What is applied and recorded one by one, in order.
    let steps: [MigrationStep]

    /// What `schema_migration` names once all of it is applied.
    package var stepIDs: [String] { steps.map(\.id) }

    /// Names a step and what it runs.
    package init(_ id: String, _ statements: [SQL], indexes: [TableIndex] = [], isAdditive: Bool = true) {
        self.id = id
        self.statements = statements
        self.indexes = indexes
        self.isAdditive = isAdditive
        steps =
            [MigrationStep(id: id, work: .statements(statements), isAdditive: isAdditive)]
            // An index changes nothing that a server could not work with.
            + indexes.map { MigrationStep(id: "\(id)/\($0.name)", work: .index($0), isAdditive: true) }
    }
}

/// An index of a table that may be large already.
///
/// ```swift
/// TableIndex("message_recent", on: "message", "(user_id, created_at, id, type)")
/// ```
package struct TableIndex: Sendable {
    /// The name, unique in the store.
    package let name: String
    /// The table.
    package let table: String
    /// The columns in parentheses, and what follows them; without binds.
    package let columns: SQL
    /// Whether rows must differ in the columns.
    package let isUnique: Bool

    /// Describes an index; nothing is made yet.
    package init(_ name: String, on table: String, _ columns: SQL, isUnique: Bool = false) {
        self.name = name
        self.table = table
        self.columns = columns
        self.isUnique = isUnique
    }

    /// The statement that makes it; `manner` stands before the name, such as `IF NOT EXISTS`.
    func creation(_ manner: SQL) -> SQL {
        let kind: SQL = isUnique ? "CREATE UNIQUE INDEX" : "CREATE INDEX"
        return kind + manner + "\(SQL(stringLiteral: name)) ON \(SQL(stringLiteral: table)) \(columns)"
    }
}
