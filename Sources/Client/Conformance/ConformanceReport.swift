import HTTPSMSWebhooks
import JSON
import Timestamps
import Wire

/// What became of each check.
package struct ConformanceReport: Sendable {
    /// One check that was run.
    struct Result: Sendable {
        let check: ConformanceCheck
        /// What is wrong; nil when it passed.
        let fault: String?
        /// What was answered, in order; nil for no answer.
        let statuses: [Int?]
        /// How long the slowest answer took.
        let slowest: Duration
    }

    let url: String
    /// Whether the receiver told what it handled.
    let seesHandling: Bool
    let results: [Result]

    /// How many checks failed.
    package var failures: Int { results.count { $0.fault != nil } }

    /// A table for people, with a newline at its end.
    package var table: String {
        let width = results.map(\.check.name.count).max() ?? 0
        let lines = results.map { result in
            let name = result.check.name.padding(to: width)
            return result.fault.map { "  FAILED  \(name)  \($0)" } ?? "  passed  \(name)  \(result.summary)"
        }
        let blind =
            seesHandling
            ? [] : ["Only answers were judged: give --handled-log to see what was handled, and how often."]
        let total = "\(results.count - failures) passed, \(failures) failed: \(url)"
        return (lines + blind + [total]).joined(separator: "\n") + "\n"
    }
}

extension ConformanceReport.Result {
    /// As in `200 in 3 ms`, each status once.
    fileprivate var summary: String {
        let distinct = statuses.compactMap(\.self).map(String.init).unique
        return "\(distinct.joined(separator: ", ")) in \(slowest.milliseconds) ms"
    }
}

extension ConformanceReport: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("url", url)
            o.field("passed", results.count - failures)
            o.field("failed", failures)
            o.field("handling_seen", seesHandling)
            o.array("checks", of: results) { json, result in
                json.object { o in
                    o.field("name", result.check.name)
                    o.field("expected", result.check.isRefusal ? "refused" : "accepted")
                    o.field("passed", result.fault == nil)
                    o.field("fault", result.fault)
                    o.field("statuses", result.statuses)
                    o.field("slowest_ms", result.slowest.milliseconds)
                }
            }
        }
    }

    /// The report as JSON.
    package var json: String { String(decoding: encodedJSON(), as: UTF8.self) }
}
