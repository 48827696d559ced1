import Timestamps

extension Timestamp: SQLConvertible {
    package var sqlValue: SQLValue { .int64(microseconds) }

    package init?(sqlValue: SQLValue) {
        guard let value = sqlValue.wholeNumber else { return nil }
        self.init(microseconds: value)
    }
}

extension Duration: SQLConvertible {
    package var sqlValue: SQLValue { .int64(microseconds) }

    package init?(sqlValue: SQLValue) {
        guard let value = sqlValue.wholeNumber else { return nil }
        self = .microseconds(value)
    }
}
