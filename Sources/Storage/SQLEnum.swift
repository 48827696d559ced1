/// An enum that is stored as its raw value.
public protocol SQLEnum: RawRepresentable, SQLConvertible {}

extension SQLEnum where RawValue: SQLConvertible {
    /// The cell of the raw value.
    @inlinable public var sqlValue: SQLValue { rawValue.sqlValue }

    /// Reads a raw value; nil when no case has it.
    @inlinable public init?(sqlValue: SQLValue) {
        guard let raw = RawValue(sqlValue: sqlValue) else { return nil }
        self.init(rawValue: raw)
    }
}
