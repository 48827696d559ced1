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

    @Test func theSystemClockIsInThisCentury() {
        let now = SystemClock().now()

        #expect(now > Timestamp(rfc3339: "2025-01-01T00:00:00Z")!)
        #expect(now < Timestamp(rfc3339: "2100-01-01T00:00:00Z")!)
    }
}
