import Timestamps

/// One cell: what both engines store, and nothing else.
///
/// Booleans are `int64` 0 or 1, times `int64` microseconds, ids and JSON `text`.
public enum SQLValue: Hashable, Sendable {
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
    /// The cell that holds it.
    @inlinable public var sqlValue: SQLValue { self }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) { self = sqlValue }
}

/// A Swift type that has one form in the store; see ``SQL`` for binding and ``Row`` for reading.
///
/// Public like those two, though `Storage` is no product: the compiler makes a version of a generic function for the types it
/// is used with in another target only where it is public. Without one, each cell and each bind asks the runtime for
/// metadata: 20 to 80 thousand instructions of a delivery or an SMS.
public protocol SQLConvertible: Sendable {
    /// The cell that stores this value.
    var sqlValue: SQLValue { get }

    /// Reads the value back; nil when the cell holds something else, which ``Row`` reports as corruption.
    init?(sqlValue: SQLValue)
}

/// Counts, positions and settings. A cell may hold anything that has 64 bits, written by an earlier version, by hand or by
/// a disk; it is read as the nearest number within ±2^53, which leaves room for arithmetic and is what JSON carries exactly.
extension Int64: SQLConvertible {
    /// The cell that holds it.
    @inlinable public var sqlValue: SQLValue { .int64(self) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard let value = sqlValue.wholeNumber else { return nil }
        self = Swift.min(Swift.max(value, -Self.largestRead), Self.largestRead)
    }

    private static let largestRead: Int64 = 1 << 53
}

extension Int: SQLConvertible {
    /// The cell that holds it.
    @inlinable public var sqlValue: SQLValue { .int64(Int64(self)) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard let value = Int64(sqlValue: sqlValue) else { return nil }
        self.init(value)
    }
}

extension Bool: SQLConvertible {
    /// The cell that holds it.
    @inlinable public var sqlValue: SQLValue { .int64(self ? 1 : 0) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard case .int64(let value) = sqlValue else { return nil }
        self = value != 0
    }
}

extension Double: SQLConvertible {
    /// The cell that holds it.
    @inlinable public var sqlValue: SQLValue { .double(self) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard case .double(let value) = sqlValue else { return nil }
        self = value
    }
}

extension String: SQLConvertible {
    /// The cell that holds it.
    @inlinable public var sqlValue: SQLValue { .text(self) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard case .text(let value) = sqlValue else { return nil }
        self = value
    }
}

extension [UInt8]: SQLConvertible {
    /// The cell that holds it.
    @inlinable public var sqlValue: SQLValue { .blob(self) }

    /// Reads the cell; nil when it holds something else.
    public init?(sqlValue: SQLValue) {
        guard case .blob(let value) = sqlValue else { return nil }
        self = value
    }
}
