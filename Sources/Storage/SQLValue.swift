import Timestamps

/// One cell: what both engines store, and nothing else.
///
/// Booleans are `int64` 0 or 1, times `int64` microseconds, ids and JSON `text`.
package enum SQLValue: Hashable, Sendable {
    case null
    case int64(Int64)
    case double(Double)
    case text(String)
    case blob([UInt8])

    /// The whole number of a cell that holds one; nil for anything else.
    ///
    /// SQLite gives a floating-point number for a sum that does not fit into 64 bits, PostgreSQL for the sum of a column:
    /// the nearest whole number then.
    var wholeNumber: Int64? {
        switch self {
        case .int64(let value): value
        case .double(let value): Int64(clamping: value)
        default: nil
        }
    }
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

/// Counts, positions and settings. A cell may hold anything that has 64 bits, written by an earlier version, by hand or by
/// a disk; it is read as the nearest number within ±2^53, which leaves room for arithmetic and is what JSON carries exactly.
extension Int64: SQLConvertible {
    package var sqlValue: SQLValue { .int64(self) }

    package init?(sqlValue: SQLValue) {
        guard let value = sqlValue.wholeNumber else { return nil }
        self = Swift.min(Swift.max(value, -Self.largestRead), Self.largestRead)
    }

    private static let largestRead: Int64 = 1 << 53
}

extension Int: SQLConvertible {
    package var sqlValue: SQLValue { .int64(Int64(self)) }

    package init?(sqlValue: SQLValue) {
        guard let value = Int64(sqlValue: sqlValue) else { return nil }
        self.init(value)
    }
}

extension Bool: SQLConvertible {
    package var sqlValue: SQLValue { .int64(self ? 1 : 0) }

    package init?(sqlValue: SQLValue) {
        guard case .int64(let value) = sqlValue else { return nil }
        self = value != 0
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
