import Timestamps

extension Timestamp: SQLConvertible {
    /// The cell that holds it.
    public var sqlValue: SQLValue { .int64(microseconds) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard let value = sqlValue.wholeNumber else { return nil }
        self.init(microseconds: value)
    }
}

extension Duration: SQLConvertible {
    /// The cell that holds it.
    public var sqlValue: SQLValue { .int64(microseconds) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard let value = sqlValue.wholeNumber else { return nil }
        self = .microseconds(value)
    }
}
