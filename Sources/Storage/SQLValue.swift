/// One cell: what both engines store, and nothing else.
///
/// Booleans are `int64` 0 or 1, times `int64` microseconds, ids and JSON `text`.
package enum SQLValue: Hashable, Sendable {
    case null
    case int64(Int64)
    case double(Double)
    case text(String)
    case blob([UInt8])
}

/// A cell as it is, for those who copy what they do not know.
extension SQLValue: SQLConvertible {
    package var sqlValue: SQLValue { self }

    package init?(sqlValue: SQLValue) { self = sqlValue }
}

/// A Swift type that has one form in the store; see ``SQL`` for binding and ``Row`` for reading.
package protocol SQLConvertible: Sendable {
    /// The cell that stores this value.
    var sqlValue: SQLValue { get }

    /// Reads the value back; nil when the cell holds something else, which ``Row`` reports as corruption.
    init?(sqlValue: SQLValue)
}

extension Int64: SQLConvertible {
    package var sqlValue: SQLValue { .int64(self) }

    package init?(sqlValue: SQLValue) {
        guard case .int64(let value) = sqlValue else { return nil }
        self = value
    }
}

extension Int: SQLConvertible {
    package var sqlValue: SQLValue { .int64(Int64(self)) }

    package init?(sqlValue: SQLValue) {
        guard case .int64(let value) = sqlValue else { return nil }
        self.init(exactly: value)
    }
}

extension Bool: SQLConvertible {
    package var sqlValue: SQLValue { .int64(self ? 1 : 0) }

    package init?(sqlValue: SQLValue) {
        switch sqlValue {
        case .int64(0): self = false
        case .int64(1): self = true
        default: return nil
        }
    }
}

extension Double: SQLConvertible {
    package var sqlValue: SQLValue { .double(self) }

    package init?(sqlValue: SQLValue) {
        guard case .double(let value) = sqlValue else { return nil }
        self = value
    }
}

extension String: SQLConvertible {
    package var sqlValue: SQLValue { .text(self) }

    package init?(sqlValue: SQLValue) {
        guard case .text(let value) = sqlValue else { return nil }
        self = value
    }
}

extension [UInt8]: SQLConvertible {
    package var sqlValue: SQLValue { .blob(self) }

    package init?(sqlValue: SQLValue) {
        guard case .blob(let value) = sqlValue else { return nil }
        self = value
    }
}
