import Foundation
import HTTPSMSWebhooks
import JSON
import Timestamps
import Wire

/// What a benchmark found.
package struct BenchReport: Sendable {
    /// A scenario's runs with the ratios between them.
    package struct Scenario: Sendable {
        /// As it is asked for.
        package var name: String
        /// What was done, in words.
        package var summary: String
        /// In the order in which they were made.
        package var runs: [BenchRun]
        /// Between the runs.
        package var ratios: [Ratio]
    }

    /// A figure that does not depend on how fast the machine is.
    package struct Ratio: Sendable {
        /// Of what to what.
        package var name: String
        /// Nil when a run gave no figure.
        package var value: Double?
        /// What it should be, in words.
        package var goal: String
    }

    var startedAt: Timestamp
    var machine: Machine
    /// PRAGMA synchronous of the store.
    var synchronous: String
    var scenarios: [Scenario] = []

    /// Whether an accepted event was lost.
    package var hasLoss: Bool { scenarios.contains { $0.runs.contains { ($0.lost ?? 0) > 0 } } }

    /// The report as a table for a terminal, a line each, with a line feed at the end.
    package var table: String {
        var lines = [
            """
            httpsms \(ServerVersion.current) (\(Machine.build)) on \(machine.cpu), \(machine.cores) cores, \
            \(machine.memory >> 20) MiB, \(machine.filesystem), Linux \(machine.kernel)
            """,
            "SQLite synchronous \(synchronous), load average at the start \(machine.loadAverage)",
        ]
        for scenario in scenarios {
            lines += ["", "\(scenario.name): \(scenario.summary)", Self.heading]
            lines += scenario.runs.map(Self.line)
            lines += scenario.ratios.map { ratio in
                let value = ratio.value.map { String(format: "%.2f", $0) } ?? "-"
                return "  \(ratio.name): \(value) (goal: \(ratio.goal))"
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let heading = row(
        "",
        [
            "accepted/s", "delivered/s", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "again", "lost", "MiB", "CPU s/1000",
        ])

    private static func line(_ run: BenchRun) -> String {
        func text(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "-" }
        func milliseconds(_ value: Duration?) -> String { text(value.map { $0 / .milliseconds(1) }, "%.1f") }
        return row(
            run.name + (run.wasKilled ? " (killed)" : ""),
            [
                text(run.acceptedPerSecond, "%.0f"), text(run.deliveredPerSecond, "%.0f"),
                milliseconds(run.latency?.p50), milliseconds(run.latency?.p95), milliseconds(run.latency?.p99),
                milliseconds(run.latency?.p999), run.duplicates.map(String.init) ?? "-",
                run.lost.map(String.init) ?? "-", text(run.peakMemory.map { Double($0) / 1_048_576 }, "%.0f"),
                text(run.cpuSecondsPerThousand, "%.3f"),
            ])
    }

    private static func row(_ name: String, _ cells: [String]) -> String {
        let first = "  " + name.padding(toLength: max(name.count, 30), withPad: " ", startingAt: 0)
        return cells.reduce(first) { $0 + String(repeating: " ", count: max(1, 12 - $1.count)) + $1 }
    }
}

extension BenchReport: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("version", ServerVersion.current)
            o.field("build", Machine.build)
            o.field("started_at", startedAt)
            o.field("synchronous", synchronous)
            o.object("hardware") { o in
                o.field("cpu", machine.cpu)
                o.field("cores", machine.cores)
                o.field("memory_bytes", machine.memory)
                o.field("filesystem", machine.filesystem)
                o.field("kernel", machine.kernel)
                o.field("load_average", machine.loadAverage)
            }
            o.array("scenarios", of: scenarios) { json, scenario in
                json.object { o in
                    o.field("name", scenario.name)
                    o.field("summary", scenario.summary)
                    o.field("runs", scenario.runs)
                    o.array("ratios", of: scenario.ratios) { json, ratio in
                        json.object { o in
                            o.field("name", ratio.name)
                            o.field("value", FixedPoint(ratio.value, digits: 3))
                            o.field("goal", ratio.goal)
                        }
                    }
                }
            }
        }
    }
}

extension BenchReport {
    /// The report as JSON.
    package var json: [UInt8] { encodedJSON() }
}
