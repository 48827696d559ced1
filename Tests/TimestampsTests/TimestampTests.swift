import Testing
import Timestamps

struct TimestampTests {
    @Test(
        arguments: [
            (0, 0), (1, 0), (999_999, 0), (1_000_000, 1),
            (-1, -1), (-999_999, -1), (-1_000_000, -1), (-1_000_001, -2),
        ] as [(Int64, Int64)])
    func secondsAreRoundedDownAlsoBefore1970(microseconds: Int64, seconds: Int64) {
        #expect(Timestamp(microseconds: microseconds).seconds == seconds)
    }

    @Test func arithmeticIsExactToTheMicrosecond() {
        let start = Timestamp(microseconds: 1_000_000)

        #expect(start + .milliseconds(1) == Timestamp(microseconds: 1_001_000))
        #expect(start - .seconds(2) == Timestamp(microseconds: -1_000_000))
        #expect(start + .nanoseconds(1_999) == Timestamp(microseconds: 1_000_001))
        #expect(start - Timestamp(microseconds: 250_000) == .milliseconds(750))
        #expect(Timestamp(microseconds: 0) - start == .seconds(-1))
        #expect(Timestamp(microseconds: -1) < Timestamp(microseconds: 0))
    }

    @Test func nothingLiesOutsideOfTheYears1To9999() {
        let (first, last) = (Timestamp.first, Timestamp.last)

        for low in [Timestamp(microseconds: .min), Timestamp(seconds: .min), first - .seconds(1)] {
            #expect(low == first)
        }
        for high in [Timestamp(microseconds: .max), Timestamp(seconds: .max), last + .seconds(1)] {
            #expect(high == last)
        }
        #expect(first - .seconds(Int64.max) == first && first + .seconds(Int64.max) == last)
        #expect(last + .seconds(Int64.max) == last && last + .seconds(Int64.min) == first)
        #expect(last - first == .microseconds(315_537_897_599_999_999))
        #expect(first - last == .microseconds(-315_537_897_599_999_999))
        #expect((last - first).nanoseconds == .max)
        #expect(first.rfc3339 == "0001-01-01T00:00:00Z" && last.rfc3339 == "9999-12-31T23:59:59.999999Z")
        #expect(first.seconds == -62_135_596_800 && last.seconds == 253_402_300_799)
        #expect(Timestamp(rfc3339: "0001-01-01T00:00:00+14:00") == first)
        #expect(Timestamp(rfc3339: "9999-12-31T23:59:60-14:00") == last)
    }

    @Test(
        arguments: [
            (0, 0), (1.5, 1_500_000), (-0.25, -250_000), (1e300, 253_402_300_799_999_999),
            (-.infinity, -62_135_596_800_000_000), (.nan, nil),
        ] as [(Double, Int64?)])
    func secondsOfADateAreClampedToo(seconds: Double, microseconds: Int64?) {
        #expect(Timestamp(secondsSince1970: seconds)?.microseconds == microseconds)
    }

    @Test func theSystemClockIsInThisCentury() {
        let now = SystemClock().now()

        #expect(now > Timestamp(rfc3339: "2025-01-01T00:00:00Z")!)
        #expect(now < Timestamp(rfc3339: "2100-01-01T00:00:00Z")!)
    }
}
