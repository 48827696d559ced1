import Foundation
import HTTPSMSWebhooks
import JSON
import Timestamps

/// What one run measured; nil where a figure has no meaning for it.
package struct BenchRun: Sendable {
    /// What ran: `httpsms`, or the name of a baseline.
    package var name: String
    /// Deliveries that were owed: one for each accepted event and webhook that answers.
    package var accepted: Int
    /// Events, or requests of a no-op route, accepted a second.
    package var acceptedPerSecond: Double?
    /// Different deliveries that arrived.
    package var delivered: Int?
    /// Different deliveries a second, from the first to the last.
    package var deliveredPerSecond: Double?
    /// From the CloudEvent's time to the last byte at the sink.
    package var latency: Percentiles?
    /// Deliveries that arrived again.
    package var duplicates: Int?
    /// Deliveries of accepted events that did not arrive.
    package var lost: Int?
    /// VmHWM of the server process.
    package var peakMemory: Int?
    /// User and system time of the server process.
    package var cpuSecondsPerThousand: Double?
    /// Whether the server was killed half-way.
    package var wasKilled = false

    /// Names a run.
    init(_ name: String, accepted: Int) {
        self.name = name
        self.accepted = accepted
    }
}

/// Percentiles of a latency.
package struct Percentiles: Sendable {
    /// Half took no longer.
    package var p50: Duration
    /// 95 of 100 took no longer.
    package var p95: Duration
    /// 99 of 100 took no longer.
    package var p99: Duration
    /// 999 of 1,000 took no longer.
    package var p999: Duration

    /// The percentiles of `durations`, by the nearest rank; nil of none.
    init?(_ durations: [Duration]) {
        guard !durations.isEmpty else { return nil }
        let sorted = durations.sorted()
        func rank(_ share: Double) -> Duration {
            sorted[min(sorted.count, max(1, Int((share * Double(sorted.count)).rounded(.up)))) - 1]
        }
        (p50, p95, p99, p999) = (rank(0.5), rank(0.95), rank(0.99), rank(0.999))
    }
}

/// What arrived, compared with what was owed.
struct Arrivals {
    /// The first arrival of each delivery, in the order in which they came.
    let first: [SinkRecord]
    /// How many came again.
    let duplicates: Int
    private let perSerial: [UInt32: Int]

    init(_ records: [SinkRecord]) {
        var seen = Set<UInt64>(minimumCapacity: records.count)
        var perSerial: [UInt32: Int] = [:]
        first = records.filter { record in
            guard seen.insert(UInt64(record.serial) << 32 | UInt64(record.endpoint)).inserted else { return false }
            perSerial[record.serial, default: 0] += 1
            return true
        }
        duplicates = records.count - first.count
        self.perSerial = perSerial
    }

    /// How many deliveries of the serial numbers below `count` are missing, each owed to `fanOut` webhooks;
    /// `unaccepted` are owed to nobody.
    func missing(below count: Int, unaccepted: Set<Int> = [], fanOut: (Int) -> Int = { _ in 1 }) -> Int {
        (0..<count).filter { !unaccepted.contains($0) }.reduce(0) { sum, serial in
            sum + max(0, fanOut(serial) - (perSerial[UInt32(serial)] ?? 0))
        }
    }

    /// Deliveries a second, from the one after the first `skipped` to the last; nil when there are too few.
    func perSecond(skipping skipped: Int = 0) -> Double? {
        let counted = first.dropFirst(skipped)
        guard let start = counted.first?.receivedAt, let end = counted.last?.receivedAt, end > start else { return nil }
        return Double(counted.count - 1) / ((end - start) / .seconds(1))
    }

    var latency: Percentiles? { Percentiles(first.map { $0.receivedAt - $0.acceptedAt }) }
}

extension BenchRun: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("name", name)
            o.field("accepted", accepted)
            o.field("accepted_per_second", FixedPoint(acceptedPerSecond, digits: 1))
            o.field("delivered", delivered)
            o.field("delivered_per_second", FixedPoint(deliveredPerSecond, digits: 1))
            o.field("latency_ms", latency)
            o.field("duplicates", duplicates)
            o.field("lost", lost)
            o.field("peak_memory_bytes", peakMemory)
            o.field("cpu_seconds_per_1000", FixedPoint(cpuSecondsPerThousand, digits: 4))
            o.field("killed", wasKilled)
        }
    }
}

extension Percentiles: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("p50", FixedPoint(p50 / .milliseconds(1), digits: 3))
            o.field("p95", FixedPoint(p95 / .milliseconds(1), digits: 3))
            o.field("p99", FixedPoint(p99 / .milliseconds(1), digits: 3))
            o.field("p999", FixedPoint(p999 / .milliseconds(1), digits: 3))
        }
    }
}

/// A JSON number with a fixed number of decimals; nil and what is not a number are null.
struct FixedPoint: JSONWritable {
    private let text: String

    init(_ value: Double?, digits: Int) {
        text = value.flatMap { $0.isFinite ? String(format: "%.\(digits)f", $0) : nil } ?? "null"
    }

    func write(to json: inout JSONWriter) {
        json.raw(text.utf8)
    }
}
