/// One statement as a value: text with its binds, made by string interpolation.
///
/// ```swift
/// let statement: SQL = """
///     SELECT id
///     FROM phone
///     WHERE user_id = \(userID) AND phone_number = \(number)
///     """
/// ```
///
/// An interpolated value is always a bind, never text, so nothing a client sends can become SQL. What must be text
/// is interpolated with a label: `\(literal: 3)` for constants a partial index depends on, `\(.blob)` and the other
/// fragments of ``SQLFragment`` for what differs between engines, `\(list: ids)` for the values of an `IN`.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// A run of text, a bind, or a fragment that the engine spells.
    @usableFromInline package enum Part: Sendable {
        case text(String)
        case bind(SQLValue)
        case fragment(SQLFragment)
    }

    /// The statement in order.
    package private(set) var parts: [Part]

    /// A statement without values.
    public init(stringLiteral value: String) {
        parts = [.text(value)]
    }

    /// A statement of what was collected.
    public init(stringInterpolation: Interpolation) {
        parts = stringInterpolation.parts
    }

    /// This statement with `other` after it, separated by one space.
    package static func + (left: SQL, right: SQL) -> SQL {
        var joined = left
        joined.parts.append(.text(" "))
        joined.parts.append(contentsOf: right.parts)
        return joined
    }

    /// Collects the parts of an interpolated ``SQL``.
    public struct Interpolation: StringInterpolationProtocol {
        @usableFromInline var parts: [Part] = []

        /// Nothing yet.
        public init(literalCapacity: Int, interpolationCount: Int) {
            parts.reserveCapacity(interpolationCount * 2 + 1)
        }

        /// Writes text of the program.
        public mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { parts.append(.text(literal)) }
        }

        /// Binds `value`.
        @inlinable
        public mutating func appendInterpolation(_ value: some SQLConvertible) {
            parts.append(.bind(value.sqlValue))
        }

        /// Binds `value`, or NULL.
        @inlinable
        public mutating func appendInterpolation(_ value: (some SQLConvertible)?) {
            parts.append(.bind(value?.sqlValue ?? .null))
        }

        /// Writes a constant of ours as text: under a generic plan a bind cannot match a partial index.
        package mutating func appendInterpolation(literal value: Int) {
            parts.append(.text(String(value)))
        }

        /// Binds each of `values`, in parentheses and separated by commas; an empty list matches nothing.
        @inlinable
        public mutating func appendInterpolation(list values: some Collection<some SQLConvertible>) {
            guard !values.isEmpty else { return parts.append(.text("(NULL)")) }
            parts.append(.text("("))
            for (index, value) in values.enumerated() {
                if index > 0 { parts.append(.text(", ")) }
                parts.append(.bind(value.sqlValue))
            }
            parts.append(.text(")"))
        }

        /// Writes what the engine calls `fragment`.
        package mutating func appendInterpolation(_ fragment: SQLFragment) {
            parts.append(.fragment(fragment))
        }

        /// Writes another statement in place.
        package mutating func appendInterpolation(_ statement: SQL) {
            parts.append(contentsOf: statement.parts)
        }
    }
}

/// What the engines spell differently: the closed list.
@usableFromInline package enum SQLFragment: Sendable, Hashable {
    /// A column of whole numbers, 64 bits.
    case int64
    /// A column of text that sorts by its bytes.
    case text
    /// A column of bytes.
    case blob
    /// A column of floating-point numbers, 64 bits.
    case double
    /// Behind a `CREATE TABLE`: what makes the engine check column types.
    case strict
    /// The same, for a table that is hardly more than its primary key: its rows are where the key is.
    case keyed
    /// Behind a `SELECT`: locks the rows it reads until the transaction ends.
    case forUpdate
    /// Behind a `SELECT`: the same, and leaves out rows that others have locked.
    case forUpdateSkipLocked
    /// The time by the database's own clock, in microseconds since 1970: the same for every process that uses it. Only
    /// for what nodes must agree on; all else is dated by the transaction's `now`.
    case databaseTime
    /// What the database calls its version.
    case databaseVersion
    /// The bytes that the database takes on the disk.
    case databaseSize
    /// For how long, in microseconds, the oldest transaction has been open for which the database keeps what others changed;
    /// 0 where that is of no matter. Of sessions of other users only where the role may see them.
    case oldestSnapshot
    /// A whole statement: from now on the column may hold NULL. Nothing on SQLite, where such columns are always filled.
    case allowNull(table: String, column: String)
    /// A whole statement: `value` is true when nobody else migrates until the transaction ends, else false.
    case migrationLock
    /// Before a text, which ``ofName`` ends: waits until nobody else holds this name, and holds it until the transaction ends;
    /// for what no row stands for yet. Nothing on SQLite, where writers are one at a time.
    case nameLock
    /// Behind the text of ``nameLock``.
    case ofName
    /// Before two values of bytes in parentheses: where the second stands in the first, counted from 1; 0 where it does not.
    case position
    /// Before a text in parentheses, which ``asBytes`` ends: its UTF-8.
    case bytes
    /// Behind the text of ``bytes``.
    case asBytes
    /// Before a text in parentheses, which ``ofBytes`` ends: how many bytes it has.
    case byteCount
    /// Behind the text of ``byteCount``.
    case ofBytes
    /// Behind a `FROM`: a row for each column of each table of the store: `table_name`, `column_name`, `position`, and
    /// `key_position`, the place in the primary key, 0 for a column that is not in it.
    case columns
}
