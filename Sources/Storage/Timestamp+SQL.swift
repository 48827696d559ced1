import Timestamps

extension Timestamp: SQLConvertible {
    package var sqlValue: SQLValue { .int64(microseconds) }

    package init?(sqlValue: SQLValue) {
        guard case .int64(let value) = sqlValue else { return nil }
        self.init(microseconds: value)
    }
}

extension Duration: SQLConvertible {
    package var sqlValue: SQLValue { .int64(microseconds) }

    package init?(sqlValue: SQLValue) {
        guard case .int64(let value) = sqlValue else { return nil }
        self = .microseconds(value)
    }
}
