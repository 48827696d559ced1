import Delivery
import Gateway
import Storage
import Timestamps

/// When a phone was online, drawn from its heartbeats: as bands of an SVG, and in words.
struct HeartbeatChart: Sendable {
    /// How much time a chart shows.
    enum Span: String, Sendable, CaseIterable {
        case day = "24h"
        case week = "7d"

        /// From the left edge to the right one.
        var length: Duration { self == .day ? .seconds(86_400) : .seconds(7 * 86_400) }
        /// The width of one bar: phones beat every 15 minutes, so that there are 2 or 12 in each.
        var step: Duration { self == .day ? .seconds(1_800) : .seconds(3 * 3_600) }
        /// What stands below the chart, evenly spread.
        var ticks: [String] {
            self == .day
                ? ["24 h ago", "18 h", "12 h", "6 h", "now"]
                : ["7 days ago", "6", "5", "4", "3", "2", "1", "now"]
        }
        /// As part of a sentence.
        var name: String { self == .day ? "24 hours" : "7 days" }
    }

    /// A stretch of time, in thousandths of the chart's width, on a height of 16.
    struct Band: Sendable, Hashable {
        let x: Int
        var width: Int
        let kind: String
        let y: Int
        let height: Int

        init(x: Int, width: Int, kind: String) {
            self.x = x
            self.width = width
            self.kind = kind
            // An outage is thinner: so that it can be told from the rest without colour.
            y = kind == "bad" ? 6 : 0
            height = 16 - 2 * y
        }
    }

    /// The number of heartbeats in a step, on a height of 24.
    struct Bar: Sendable, Hashable {
        let x: Int
        let y: Int
        let width: Int
        let height: Int
    }

    /// A time in which the phone was offline.
    struct Outage: Sendable, Hashable {
        let since: String
        /// Nil when it lasts.
        let until: String?
        let length: String
    }

    /// `good` and `bad` one after the other; nothing before the phone was first heard.
    let states: [Band]
    let bars: [Bar]
    /// Where the phone said that it was charging.
    let charging: [Band]
    /// Where vertical lines are, at the ticks.
    let lines: [Int]
    let ticks: [String]
    /// What the chart shows, for people who cannot see it.
    let summary: String
    /// Newest first, at most ``outageLimit``.
    let outages: [Outage]

    /// Draws what was heard in the `span` that ends `now`.
    ///
    /// - Parameters:
    ///   - steps: What was heard, oldest first.
    ///   - earlier: When the phone was heard last before the span; nil when it never was.
    ///   - span: How much time is shown.
    ///   - now: The right edge.
    ///   - offlineAfter: How long a phone may be silent and counts as online.
    init(_ steps: [HeartbeatStep], earlier: Timestamp?, span: Span, now: Timestamp, offlineAfter: Duration) {
        let start = now - span.length
        func place(_ time: Timestamp) -> Int {
            Int((min(max(time, start), now) - start).milliseconds * 1_000 / span.length.milliseconds)
        }
        func band(_ from: Timestamp, _ until: Timestamp, _ kind: String) -> Band {
            // What is too short for a pixel is seen all the same.
            Band(x: min(place(from), 996), width: max(place(until) - place(from), 4), kind: kind)
        }

        let online = Self.online(steps, earlier: earlier, start: start, now: now, offlineAfter: offlineAfter)
        // What is not online is an outage, from the end of one stretch to the begin of the next.
        let ends = [start] + online.map(\.upperBound)
        let begins = online.map(\.lowerBound) + [now]
        let gaps = zip(ends, begins).filter { $0 < $1 }
        let offline = earlier == nil ? gaps.filter { $0.0 > start } : gaps
        states = online.map { band($0.lowerBound, $0.upperBound, "good") } + offline.map { band($0.0, $0.1, "bad") }

        let most = steps.map(\.count).max() ?? 1
        bars = steps.map { step in
            let number = Int((step.firstAt - start).microseconds / span.step.microseconds)
            let left = place(start + span.step * number)
            let height = min(max(Int(step.count.clampedMultiplying(by: 24) / max(most, 1)), 3), 24)
            return Bar(
                x: left + 2, y: 24 - height, width: max(place(start + span.step * (number + 1)) - left - 4, 4),
                height: height)
        }
        charging = steps.filter { $0.chargingCount > $0.count / 2 }.reduce(into: []) { bands, step in
            let number = Int((step.firstAt - start).microseconds / span.step.microseconds)
            let next = band(start + span.step * number, start + span.step * (number + 1), "power")
            if let last = bands.last, last.x + last.width >= next.x {
                bands[bands.count - 1].width = next.x + next.width - last.x
            } else {
                bands.append(next)
            }
        }
        ticks = span.ticks
        lines = (1..<ticks.count - 1).map { $0 * 1_000 / (span.ticks.count - 1) }
        outages = offline.suffix(Self.outageLimit).reversed().map { since, until in
            Outage(
                since: PageTime.shown(since), until: until == now ? nil : PageTime.shown(until),
                length: Elapsed.length(until - since))
        }
        summary = Self.summary(online, offline, count: steps.map(\.count).clampedSum(), span: span)
    }

    /// When the phone was online: from a heartbeat until `offlineAfter` past it, or the next one.
    private static func online(
        _ steps: [HeartbeatStep], earlier: Timestamp?, start: Timestamp, now: Timestamp, offlineAfter: Duration
    ) -> [Range<Timestamp>] {
        let heard = (earlier.map { [($0, $0)] } ?? []) + steps.map { ($0.firstAt, $0.lastAt) }
        return heard.reduce(into: []) { stretches, times in
            // Nodes need not have quite the same time: a heartbeat may be from after `now`.
            let stretch = min(max(times.0, start), now)..<max(min(times.1 + offlineAfter, now), start)
            if stretch.isEmpty { return }
            if let last = stretches.last, last.upperBound >= stretch.lowerBound {
                stretches[stretches.count - 1] = last.lowerBound..<max(last.upperBound, stretch.upperBound)
            } else {
                stretches.append(stretch)
            }
        }
    }

    private static func summary(
        _ online: [Range<Timestamp>], _ offline: [(Timestamp, Timestamp)], count: Int64, span: Span
    ) -> String {
        let good = online.reduce(Int64(0)) { $0 + ($1.upperBound - $1.lowerBound).microseconds }
        let bad = offline.reduce(Int64(0)) { $0 + ($1.1 - $1.0).microseconds }
        guard good + bad > 0 else { return "No heartbeat in the last \(span.name)." }
        // 100 % is only what had no outage.
        let known = Self.known(good + bad, of: span)
        let percent = bad == 0 ? 100 : min(good * 100 / (good + bad), 99)
        let heartbeats = count == 1 ? "1 heartbeat" : "\(Figure.shown(count)) heartbeats"
        let times = offline.count == 1 ? "once" : "\(offline.count) times"
        return "Online \(percent)% of \(known), \(heartbeats)"
            + (offline.isEmpty ? "." : ", offline \(times), in all \(Elapsed.length(.microseconds(bad))).")
    }

    /// How much of the span is known: a phone that is new was not watched for all of it.
    private static func known(_ microseconds: Int64, of span: Span) -> String {
        let known: Duration = .microseconds(microseconds)
        return known + .seconds(60) < span.length
            ? "the \(Elapsed.length(known)) since it was first heard" : "the last \(span.name)"
    }

    /// As many as can be read; a phone that comes and goes more often than this needs no longer list.
    private static let outageLimit = 20
}

/// Lengths of time as people say them.
enum Elapsed {
    /// `45 s`, `12 min`, `1 h 5 min`, `3 days 2 h`, cut to whole units.
    static func length(_ duration: Duration) -> String {
        let seconds = max(duration.components.seconds, 0)
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
        if days > 0 {
            return (days == 1 ? "1 day" : "\(days) days") + (hours % 24 == 0 ? "" : " \(hours % 24) h")
        }
        if hours > 0 { return "\(hours) h" + (minutes % 60 == 0 ? "" : " \(minutes % 60) min") }
        return minutes > 0 ? "\(minutes) min" : "\(seconds) s"
    }

    /// `12 min ago`, below a minute `just now`.
    static func ago(_ time: Timestamp, now: Timestamp) -> String {
        now - time < .seconds(60) ? "just now" : "\(length(now - time)) ago"
    }
}
