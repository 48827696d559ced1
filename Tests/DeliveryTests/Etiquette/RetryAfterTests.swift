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
            ("86400", 3_600), ("99999999999999999999999999", 3_600), ("1" + String(repeating: "0", count: 30), 3_600),
            ("3s", 3), ("3S", 3), ("99999999999999999999999999s", 3_600),
            // Lists, as several headers become one.
            ("3, 4", 4), ("4,3", 4), ("5, 99999999999999999999", 3_600), ("1, soon", 1),
            // Dates: IMF-fixdate, RFC 850, asctime.
            ("Wed, 22 Jul 2026 10:17:00 GMT", 90),
            ("Wednesday, 22-Jul-26 10:17:00 GMT", 90),
            ("Wed Jul 22 10:17:00 2026", 90),
            ("Wed, 22 Jul 2026 11:15:30 GMT", 3_600),
            ("Wed, 22 Jul 2026 11:15:31 GMT", 3_600),
            ("Sun, 06 Nov 2033 08:49:37 GMT", 3_600),
            ("wed, 22 jul 2026 10:17:00 gmt", 90),
            ("Thu Jul  2 10:17:00 2026", 0),
            ("Wed, 22 Jul 2026 10:17:00 UTC", 90), ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600),
            // ISO 8601.
            ("2026-07-22T10:17:00Z", 90), ("2026-07-22T10:17:00", 90), ("2026-07-22T12:17:00+02:00", 90),
            ("9999-12-31T23:59:59Z", 3_600), ("1970-01-01T00:00:00Z", 0),
            // The past asks for nothing.
            ("Wed, 22 Jul 2026 10:15:30 GMT", 0), ("Wed, 22 Jul 2026 10:15:29 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
            ("Sun Nov  6 08:49:37 1994", 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ]) func aWaitIsReadAndCapped(text: String, seconds: Int)
    {
        #expect(RetryAfter.wait(text, at: Self.now) == .seconds(seconds))
    }

    @Test(
        arguments: [
            "", " ", "-1", "+5", "1.", ".5", "1.5.5", "-1.5", "1e3", "0x10", "s", "5 s", "5sec", ",", "a, b", "soon",
            "१२",
            "NaN", "1_000", "٣",
            "Wed, 22 Jul 2026", "Wed, 22 Jul 2026 10:17:00 CET", "Wed, 32 Jul 2026 10:17:00 GMT",
            "Wed, 22 Foo 2026 10:17:00 GMT", "Wed, 22 Jul 2026 25:00:00 GMT", "22 Jul 2026 10:17:00 GMT",
            "2026-07-22", "Wed Jul 22 10:17:00 +2026",
            "Wed, 22 Jul 99999 10:17:00 GMT", "Wed, 22 Jul 2026 10:17:00Z GMT", String(repeating: "9 ", count: 5_000),
            "\u{0}",
        ]) func whatCannotBeReadAsksForNothing(text: String)
    {
        #expect(RetryAfter.wait(text, at: Self.now) == nil)
    }

    @Test(arguments: [
        ("2.5", 2_500), ("0.001", 1), ("0.0009", 0), ("2.5s", 2_500), ("3599.999", 3_599_999), ("3600.5", 3_600_000),
        ("1, 2.5", 2_500), ("1.99999999999999999999999", 1_999),
    ]) func aFractionIsReadToTheMillisecond(text: String, milliseconds: Int) {
        #expect(RetryAfter.wait(text, at: Self.now) == .milliseconds(milliseconds))
    }

    @Test func theLongestOfSeveralHeadersCounts() {
        let result = AttemptResult(
            outcome: .response(statusCode: 429),
            responseHeaders: [("Retry-After", "3"), ("retry-AFTER", "soon"), ("RETRY-AFTER", "7")])

        #expect(RetryAfter.wait(result, at: Self.now) == .seconds(7))
    }

    @Test(arguments: [408, 429, 500, 502, 503, 504, 599]) func theWaitLengthensTheScheduleAndNeverShortensIt(
        status: Int
    ) {
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

    /// What was refused together must not come back together, nor sooner than it was asked for, nor after the longest wait.
    @Test(arguments: [
        ("30", 30_000, 36_000), ("3600", 3_600_000, 3_600_000), ("1000000", 3_600_000, 3_600_000), ("1", 2_000, 2_400),
    ])
    func aWaitThatWasAskedForIsSpread(header: String, least: Int, most: Int) {
        let result = AttemptResult(outcome: .response(statusCode: 429), responseHeaders: [("Retry-After", header)])
        let verdicts = [0, 1].map {
            Verdict(of: result, step: 0, at: Self.now, schedule: .standard, jitter: $0)
        }

        #expect(verdicts == [.retry(at: Self.now + .milliseconds(least)), .retry(at: Self.now + .milliseconds(most))])
    }

    @Test(arguments: [429, 503]) func anAnswerThatAsksForLessHoldsTheWebhook(status: Int) {
        func hold(_ header: String?, jitter: Double = 0) -> Hold? {
            let headers = header.map { [("Retry-After", $0)] } ?? []
            let result = AttemptResult(outcome: .response(statusCode: status), responseHeaders: headers)
            return Hold(of: result, at: Self.now, jitter: jitter)
        }

        for header in [nil, "0", "-1", "nonsense", "0.5", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            #expect(hold(header)?.until == Self.now + .seconds(1), "\(header ?? "none")")
            #expect(hold(header)?.isNamed == false)
        }
        #expect(hold("1")?.isNamed == true)
        #expect(hold("90")?.until == Self.now + .seconds(90))
        #expect(hold("90", jitter: 1)?.until == Self.now + .seconds(108))
        #expect(hold("9999-12-31T00:00:00Z", jitter: 1)?.until == Self.now + .seconds(3_600))
    }

    @Test(arguments: [200, 204, 302, 400, 404, 408, 410, 500, 502, 504]) func noOtherAnswerHoldsIt(status: Int) {
        let result = AttemptResult(outcome: .response(statusCode: status), responseHeaders: [("Retry-After", "90")])

        #expect(Hold(of: result, at: Self.now, jitter: 0) == nil)
    }

    @Test func aWaitDoesNotOutlastTheSchedule() {
        let result = AttemptResult(outcome: .response(statusCode: 429), responseHeaders: [("Retry-After", "30")])

        #expect(Verdict(of: result, step: 4, at: Self.now, schedule: .standard, jitter: 0) == .failed)
    }
}
