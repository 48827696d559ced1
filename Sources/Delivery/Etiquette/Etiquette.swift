import Timestamps

/// What each answer of an endpoint means: the one table that the engine, the documentation and the API's hints come
/// from.
package struct Etiquette: Sendable, Hashable {
    /// What the engine does.
    package enum Action: String, Sendable {
        /// The delivery has succeeded.
        case succeed
        /// It is tried again along the schedule, but not before the time that `Retry-After` names.
        case retry
        /// The same, and nothing else is sent to the webhook before; then slower than until now.
        case hold
        /// It has failed for good.
        case fail
        /// The webhook is disabled; this delivery and those after it are held.
        case disable
    }

    /// The status codes it is about.
    package let statuses: ClosedRange<Int>
    /// What the engine does.
    package let action: Action
    /// Stored with the attempt, and the label of a metric; nil for success.
    package let code: String?
    /// What the answer means, in a few words for the documentation.
    package let meaning: String
    /// What the receiver's owner can do; empty for success.
    package let hint: String

    /// The table; the first row that holds a status counts, and every status has one.
    package static let table: [Etiquette] = [
        Etiquette(statuses: 200...299, action: .succeed, code: nil, meaning: "processed", hint: ""),
        Etiquette(
            statuses: 408...408, action: .retry, code: "request_timeout", meaning: "the receiver was too slow",
            hint: "Answer before the work is done, and do the work afterwards."),
        Etiquette(
            statuses: 410...410, action: .disable, code: "gone", meaning: "the receiver is gone for good",
            hint: "Correct the callback URL, then resume the webhook; what was held is sent then."),
        Etiquette(
            statuses: 429...429, action: .hold, code: "too_many_requests",
            meaning: "the receiver asks for less",
            hint:
                "Nothing is lost: the webhook is sent to more slowly. Retry-After can name a wait; a higher limit ends it."
        ),
        Etiquette(
            statuses: 503...503, action: .hold, code: "service_unavailable", meaning: "the receiver is away",
            hint: "Check that the receiver runs; Retry-After can name when it will."),
        Etiquette(
            statuses: 500...599, action: .retry, code: "server_error", meaning: "the receiver failed",
            hint: "Look for this request in the receiver's log."),
        Etiquette(
            statuses: 300...399, action: .fail, code: "redirect", meaning: "redirects are not followed",
            hint: "Set the callback URL to the address in Location."),
        Etiquette(
            statuses: 400...499, action: .fail, code: "client_error", meaning: "the receiver refuses the request",
            hint: "Check the path of the callback URL and how the receiver verifies the signature."),
        Etiquette(
            statuses: 0...999, action: .fail, code: "invalid_status", meaning: "no status of HTTP",
            hint: "Check what answers at the callback URL."),
    ]

    /// The row that `status` falls under; what a known receiver means by it counts before.
    package static func row(for status: Int, from receiver: KnownReceiver? = nil) -> Etiquette {
        let status = receiver?.isProcessed(status) == true ? 200 : status
        return table.first { $0.statuses.contains(status) } ?? table[table.count - 1]
    }

    /// Why an attempt failed: a code of the closed list, and what happened in particular.
    package struct Problem: Sendable, Hashable {
        /// A code of ``Etiquette/table`` or of `AttemptFailure.Code`.
        package let code: String
        /// What happened in particular; may be empty.
        package let detail: String
    }

    /// What went wrong in an attempt; nil when it succeeded. A redirect's detail is its `Location`.
    package static func problem(of result: AttemptResult) -> Problem? {
        switch result.outcome {
        case .failure(let failure): return Problem(code: failure.code.rawValue, detail: failure.detail)
        case .response(let status):
            guard let code = row(for: status, from: result.receiver).code else { return nil }
            let location = result.responseHeader("location").map { "Location: \($0)" }
            return Problem(code: code, detail: (code == "redirect" ? location : nil) ?? "")
        }
    }

    /// One sentence on what to do about a stored code; nil for a code of another version.
    ///
    /// - Parameters:
    ///   - code: A code of ``Etiquette/table`` or of `AttemptFailure.Code`.
    ///   - detail: What was stored beside it: one code may have several causes, each with advice of its own.
    /// - Returns: The advice of the detail where it has one, else that of the code.
    package static func hint(for code: String, detail: String? = nil) -> String? {
        if let row = table.first(where: { $0.code == code }) { return row.hint }
        let failure = AttemptFailure.Code(rawValue: code)
        return detail.flatMap { failure?.hint(forDetail: $0) } ?? failure?.hint
    }

    /// The table as the documentation shows it; a test holds `docs/webhooks.md` against it.
    package static var markdown: String {
        let rows = table.dropLast().map { row in
            let statuses =
                row.statuses.count == 1
                ? "\(row.statuses.lowerBound)" : "\(row.statuses.lowerBound) to \(row.statuses.upperBound)"
            return "| \(statuses) | \(row.meaning) | \(row.action.words) | \(row.code.map { "`\($0)`" } ?? "") |"
        }
        return (["| status | meaning | what follows | code |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// Every code with its hint, as the documentation shows them; a test holds `docs/errors.md` against it.
    package static var hintsMarkdown: String {
        let answers = table.compactMap { row in row.code.map { ($0, row.hint) } }
        let failures = AttemptFailure.Code.allCases.map { ($0.rawValue, $0.hint) }
        let rows = (answers + failures).map { "| `\($0)` | \($1) |" }
        return (["| code | what to do |", "|---|---|"] + rows).joined(separator: "\n")
    }
}

extension Etiquette.Action {
    /// What the engine does, in words.
    package var words: String {
        switch self {
        case .succeed: "done"
        case .retry: "tried again, not before `Retry-After` (1 h at most)"
        case .hold: "the same, and the whole webhook waits until then; afterwards it is sent to more slowly"
        case .fail: "failed, not tried again"
        case .disable: "the webhook is disabled, events are held"
        }
    }
}
