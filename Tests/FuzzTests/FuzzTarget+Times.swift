import Timestamps

@testable import Delivery
@testable import Gateway

extension FuzzTarget {
    /// Points in time and lengths of time, as text.
    static let times: [FuzzTarget] = [rfc3339, duration, retryAfter]

    private static let rfc3339 = FuzzTarget(
        "rfc3339", upTo: 128,
        words: [
            "2026-07-22T10:15:29.814Z", "+14:00", "-23:59", ".000000000", "T", "Z", ":60", "0001-01-01", "9999-12-31",
        ]
    ) { bytes in
        guard let time = Timestamp(rfc3339: bytes.text) else { return }
        let text = time.rfc3339
        try hold(text.utf8.count <= 27 && text.hasSuffix("Z"), "the canonical form is \(text)")
        // A time that its offset moves out of the years 1 to 9999 is written as the nearest within.
        let again = Timestamp(rfc3339: text)
        try hold(again?.rfc3339 == text, "\(text) is read as another time")
        let isWithin = (-62_135_596_800_000_000...253_402_300_799_999_999).contains(time.microseconds)
        try hold(again == time || !isWithin, "\(text) is another time than was read")
        try hold(time - time == .zero, "a time differs from itself")
        _ = (time + .seconds(600), time - .seconds(600), time.seconds, Timestamp(microseconds: 0) - time)
    }

    private static let duration = FuzzTarget("duration", upTo: 64, words: ["90s", "10m", "1h", "8784h"]) { bytes in
        guard let duration = DurationText.parse(bytes.text) else { return }
        try hold(duration >= .zero && duration <= .seconds(366 * 86_400), "\(duration) is out of bounds")
        try hold(duration.microseconds >= 0, "the microseconds of \(duration) are negative")
    }

    private static let retryAfter = FuzzTarget(
        "retry-after", upTo: 128,
        words: ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "120"]
    ) { bytes in
        let nows: [Int64] = [0, 1_790_000_000_000_000, 253_402_300_799_000_000]
        for now in nows {
            guard let wait = RetryAfter.wait(bytes.text, at: Timestamp(microseconds: now)) else { continue }
            try hold(wait >= .zero && wait <= RetryAfter.cap, "a wait of \(wait)")
        }
    }
}
