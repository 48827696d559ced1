import Storage

/// A table with sealed values, as a rotation of the master key has to know it.
package struct SealedTable: Sendable {
    /// The table.
    package let name: String
    /// Columns of sealed values, which may be NULL.
    package let columns: [String]
    /// The primary key.
    package let key: [String]
    /// What else ``place`` reads.
    package let others: [String]
    /// Where the values of a row stand.
    package let place: @Sendable (Row) throws -> Keyring.Place

    /// Describes a table.
    package init(
        name: String, columns: [String], key: [String], others: [String] = [],
        place: @escaping @Sendable (Row) throws -> Keyring.Place
    ) {
        self.name = name
        self.columns = columns
        self.key = key
        self.others = others
        self.place = place
    }
}
