import Delivery

/// Lines of the Prometheus text format.
struct MetricsPage {
    private(set) var text = ""

    /// What Prometheus makes of a metric.
    enum Kind: String {
        case counter, gauge, histogram
    }

    /// Adds a metric with its samples, each with its labels.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: String, value: Int64)]) {
        describe(name, kind, help)
        for sample in samples {
            text += sample.labels.isEmpty ? "\(name) \(sample.value)\n" : "\(name){\(sample.labels)} \(sample.value)\n"
        }
    }

    /// Adds the histogram of latencies.
    mutating func add(_ snapshot: DeliveryMetrics.Snapshot) {
        let name = "httpsms_delivery_latency_seconds"
        describe(name, .histogram, "From acceptance of an event to the endpoint's answer, of successes.")
        for (bound, count) in zip(DeliveryMetrics.bounds, snapshot.latencyBuckets) {
            text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        text += "\(name)_bucket{le=\"+Inf\"} \(snapshot.latencyCount)\n"
        text += "\(name)_sum \(snapshot.latencySum)\n\(name)_count \(snapshot.latencyCount)\n"
    }

    /// Adds what is known of lookups of names.
    mutating func add(_ lookups: LookupCounts) {
        add(
            "httpsms_lookups_total", .counter, "Lookups of host names since the process started, by outcome.",
            [
                ("outcome=\"answered\"", Int64(lookups.answered)), ("outcome=\"not_found\"", Int64(lookups.notFound)),
                ("outcome=\"failed\"", Int64(lookups.failed)), ("outcome=\"timed_out\"", Int64(lookups.timedOut)),
                ("outcome=\"not_made\"", Int64(lookups.refused)),
            ])
        add("httpsms_lookups_running", .gauge, "Lookups of host names under way.", [("", Int64(lookups.running))])
        add(
            "httpsms_names_failing", .gauge, "Host names that are not looked up for a while, as that failed.",
            [("", Int64(lookups.failing))])
    }

    /// A sample for each of `labels`, at 0 until it is counted, and for what else was counted.
    static func samples(
        _ counts: [String: Int64], _ labels: [String], as name: String
    ) -> [(labels: String, value: Int64)] {
        counts.merging(labels.map { ($0, 0) }) { count, _ in count }.sorted { $0.key < $1.key }
            .map { ("\(name)=\"\($0.key)\"", $0.value) }
    }

    private mutating func describe(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }
}
