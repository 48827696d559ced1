import Testing
import Timestamps

@testable import Delivery

/// What `Retry-After` asks for (RFC 9110 section 10.2.3).
@Suite struct RetryAfterTests {
    /// A Wednesday.
    private static let now = Timestamp(rfc3339: "2026-07-22T10:15:30Z") ?? Timestamp(microseconds: 0)

    @Test(
        arguments: [
            // Seconds.
            ("0", 0), ("1", 1), (" 120 ", 120), ("007", 7), ("3599", 3_599), ("3600", 3_600), ("3601", 3_600),
            ("86400", 3_600), ("99999999999999999999999999", 3_600),
            // Dates: IMF-fixdate, RFC 850, asctime.
            ("Wed, 22 Jul 2026 10:17:00 GMT", 90),
            ("Wednesday, 22-Jul-26 10:17:00 GMT", 90),
            ("Wed Jul 22 10:17:00 2026", 90),
            ("Wed, 22 Jul 2026 11:15:30 GMT", 3_600),
            ("Wed, 22 Jul 2026 11:15:31 GMT", 3_600),
            ("Sun, 06 Nov 2033 08:49:37 GMT", 3_600),
            ("wed, 22 jul 2026 10:17:00 gmt", 90),
            ("Thu Jul  2 10:17:00 2026", 0),
            // The past asks for nothing.
            ("Wed, 22 Jul 2026 10:15:30 GMT", 0), ("Wed, 22 Jul 2026 10:15:29 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
            ("Sun Nov  6 08:49:37 1994", 0),
        ]) func aWaitIsReadAndCapped(text: String, seconds: Int)
    {
        #expect(RetryAfter.wait(text, at: Self.now) == .seconds(seconds))
    }

    @Test(
        arguments: [
            "", " ", "-1", "+5", "1.5", "1e3", "0x10", "5s", "5, 6", "soon", "१२", "NaN",
            "Wed, 22 Jul 2026", "Wed, 22 Jul 2026 10:17:00 CET", "Wed, 32 Jul 2026 10:17:00 GMT",
            "Wed, 22 Foo 2026 10:17:00 GMT", "Wed, 22 Jul 2026 25:00:00 GMT", "22 Jul 2026 10:17:00 GMT",
            "2026-07-22T10:17:00Z", "Wed Jul 22 10:17:00 +2026",
            "Wed, 22 Jul 99999 10:17:00 GMT", "Wed, 22 Jul 2026 10:17:00Z GMT", String(repeating: "9 ", count: 5_000),
            "\u{0}",
        ]) func whatCannotBeReadAsksForNothing(text: String)
    {
        #expect(RetryAfter.wait(text, at: Self.now) == nil)
    }

    @Test(arguments: [429, 503]) func theWaitLengthensTheScheduleAndNeverShortensIt(status: Int) {
        func verdict(_ header: String?) -> Verdict {
            let headers = header.map { [("retry-after", $0)] } ?? []
            let result = AttemptResult(outcome: .response(statusCode: status), responseHeaders: headers)
            return Verdict(of: result, step: 0, at: Self.now, schedule: .standard, jitter: 0)
        }

        #expect(verdict(nil) == .retry(at: Self.now + .seconds(2)))
        #expect(verdict("1") == .retry(at: Self.now + .seconds(2)))
        #expect(verdict("nonsense") == .retry(at: Self.now + .seconds(2)))
        #expect(verdict("30") == .retry(at: Self.now + .seconds(30)))
        #expect(verdict("Wed, 22 Jul 2026 10:17:00 GMT") == .retry(at: Self.now + .seconds(90)))
        #expect(verdict("1000000") == .retry(at: Self.now + .seconds(3_600)))
    }

    @Test func onlyAnAnswerThatAsksForLessIsHeard() {
        for status in [500, 502, 408] {
            let result = AttemptResult(
                outcome: .response(statusCode: status), responseHeaders: [("Retry-After", "900")])
            let verdict = Verdict(of: result, step: 0, at: Self.now, schedule: .standard, jitter: 0)

            #expect(verdict == .retry(at: Self.now + .seconds(2)))
        }
    }

    @Test func aWaitDoesNotOutlastTheSchedule() {
        let result = AttemptResult(outcome: .response(statusCode: 429), responseHeaders: [("Retry-After", "30")])

        #expect(Verdict(of: result, step: 4, at: Self.now, schedule: .standard, jitter: 0) == .failed)
    }
}
