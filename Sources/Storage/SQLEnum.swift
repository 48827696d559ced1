/// An enum that is stored as its raw value.
package protocol SQLEnum: RawRepresentable, SQLConvertible {}

extension SQLEnum where RawValue: SQLConvertible {
    package var sqlValue: SQLValue { rawValue.sqlValue }

    package init?(sqlValue: SQLValue) {
        guard let raw = RawValue(sqlValue: sqlValue) else { return nil }
        self.init(rawValue: raw)
    }
}
