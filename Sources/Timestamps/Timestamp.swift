/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z, in the years 0001 to 9999.
///
/// Every time in the store, on the wire and in memory is one of these: microseconds are what both databases keep
/// exactly and what httpSMS clients parse. Text is RFC 3339, see ``init(rfc3339:)`` and ``rfc3339``.
///
/// Times come from phones, files, stored rows and clocks, none of which can be trusted, so nothing here traps: what lies
/// outside of the years that RFC 3339 can write becomes ``first`` or ``last``, in the initializer and in all arithmetic.
/// Two times are therefore never more than 9,999 years apart, which fits into a `Duration` of microseconds many times.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z; negative before it.
    public let microseconds: Int64

    /// Makes a timestamp from microseconds since 1970-01-01T00:00:00Z, or the nearest one there is.
    public init(microseconds: Int64) {
        self.microseconds = min(max(microseconds, Self.firstMicrosecond), Self.lastMicrosecond)
    }

    /// Makes a timestamp from whole seconds since 1970-01-01T00:00:00Z, or the nearest one there is.
    public init(seconds: Int64) {
        self.init(microseconds: seconds.clampedMultiplying(by: 1_000_000))
    }

    /// Makes a timestamp from seconds since 1970-01-01T00:00:00Z, such as those of a `Date`, rounded to the microsecond, or
    /// the nearest one there is; nil for what is not a number.
    public init?(secondsSince1970 seconds: Double) {
        guard !seconds.isNaN else { return nil }
        self.init(microseconds: Int64(clamping: (seconds * 1_000_000).rounded()))
    }

    /// Whole seconds since 1970, rounded down: what JWT claims carry.
    public var seconds: Int64 {
        let quotient = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return quotient.remainder < 0 ? quotient.quotient - 1 : quotient.quotient
    }

    /// 0001-01-01T00:00:00Z, the earliest timestamp.
    public static let first = Timestamp(microseconds: firstMicrosecond)

    /// 9999-12-31T23:59:59.999999Z, the latest timestamp.
    public static let last = Timestamp(microseconds: lastMicrosecond)

    /// Whether `left` is the earlier one.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// The instant `duration` later, to the microsecond (the rest is dropped); ``last`` when it is later than that.
    public static func + (left: Timestamp, right: Duration) -> Timestamp {
        Timestamp(microseconds: left.microseconds.clampedAdding(right.microseconds))
    }

    /// The instant `duration` earlier, to the microsecond (the rest is dropped); ``first`` when it is earlier than that.
    public static func - (left: Timestamp, right: Duration) -> Timestamp {
        Timestamp(microseconds: left.microseconds.clampedSubtracting(right.microseconds))
    }

    /// The time from `right` to `left`; negative when `right` is the later one.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .microseconds(left.microseconds - right.microseconds)
    }

    private static let firstMicrosecond: Int64 = -62_135_596_800_000_000
    private static let lastMicrosecond: Int64 = 253_402_300_799_999_999
}
