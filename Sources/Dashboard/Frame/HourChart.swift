import Delivery
import Gateway
import Timestamps

/// Bars for the last 24 hours, one for each, the oldest first: two counts on top of each other. What the bars show stands
/// also in a table, for people who cannot see them.
struct HourChart: Sendable {
    /// What the lower and the upper part count, as a class of the style sheet and for people.
    struct Series: Sendable {
        let kind: String
        let name: String
    }

    struct Bar: Sendable {
        let kind: String
        let x: Int
        let y: Int
        let height: Int
        /// What a pointer that rests on it is told.
        let note: String
    }

    /// An hour in which something happened.
    struct Line: Sendable {
        let hour: String
        let lower: String
        let upper: String
    }

    let lower: Series
    let upper: Series
    let bars: [Bar]
    let lines: [Line]
    let width: Int
    let height: Int
    let barWidth: Int
    /// The most of one hour.
    let peak: String

    /// - Parameters:
    ///   - counts: By the start of the hour; an absent one is none.
    ///   - lower: What the first count of each pair is.
    ///   - upper: What the second one is.
    ///   - now: Lies in the hour of the last bar.
    ///   - height: Of the highest bar, in pixels.
    ///   - step: From bar to bar, in pixels.
    init(
        _ counts: [Timestamp: (lower: Int64, upper: Int64)], lower: Series, upper: Series, now: Timestamp, height: Int,
        step: Int
    ) {
        (self.lower, self.upper, self.height) = (lower, upper, height)
        let last = HourlyCounts.hour(of: now)
        let hours = (0..<Self.hours).map { last - .seconds(3_600 * (Self.hours - 1 - $0)) }
        let peak = hours.map { hour in counts[hour].map { $0.lower.clampedAdding($0.upper) } ?? 0 }.max() ?? 0
        // A single one can be seen beside a thousand.
        func pixels(_ count: Int64) -> Int {
            count == 0 ? 0 : min(max(2, Int(count.clampedMultiplying(by: Int64(height)) / max(peak, 1))), height)
        }
        var (bars, lines): ([Bar], [Line]) = ([], [])
        for (index, hour) in hours.enumerated() {
            guard let count = counts[hour], count.lower.clampedAdding(count.upper) > 0 else { continue }
            let name = PageTime.clock(hour)
            let note =
                "\(name): \(Figure.shown(count.lower)) \(lower.name), \(Figure.shown(count.upper)) \(upper.name)"
            let parts = (upper: pixels(count.upper), lower: pixels(count.lower))
            for (kind, y, height) in [
                (lower.kind, height - parts.lower, parts.lower),
                (upper.kind, max(0, height - parts.lower - parts.upper), parts.upper),
            ] where height > 0 {
                bars.append(Bar(kind: kind, x: index * step, y: y, height: height, note: note))
            }
            lines.append(Line(hour: name, lower: Figure.shown(count.lower), upper: Figure.shown(count.upper)))
        }
        self.bars = bars
        self.lines = lines.reversed()
        width = Self.hours * step
        barWidth = step - max(1, step / 5)
        self.peak = Figure.shown(peak)
    }

    /// The start of the first hour that is shown.
    static func start(_ now: Timestamp) -> Timestamp { HourlyCounts.hour(of: now) - .seconds(3_600 * (hours - 1)) }

    private static let hours = 24
}
