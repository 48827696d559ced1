import Foundation
import Hummingbird
import Wire

/// Which part of a list is asked for: decimal text, clamped and never rejected for being large (K1).
struct Page: Sendable {
    let skip: Int
    let limit: Int
    /// What the list's text column must contain; empty for everything.
    let query: String
}

extension Page {
    /// Reads `skip`, `limit` and `query`; what breaks a rule is noted in `errors`.
    ///
    /// - Parameters:
    ///   - parameters: The query string.
    ///   - defaultLimit: What an absent `limit` means.
    ///   - maximum: The largest page; the web interface of httpSMS asks for 100.
    ///   - queryLength: How long `query` may be, in UTF-16 units.
    ///   - errors: Where broken rules are noted.
    init(
        _ parameters: QueryParameters, limit defaultLimit: Int, maximum: Int = 100, queryLength: Int = 100,
        errors: inout FieldErrors
    ) {
        let skip = Self.number("skip", parameters, absent: 0, errors: &errors)
        let limit = min(Self.number("limit", parameters, absent: defaultLimit, errors: &errors), maximum)
        let query = (parameters["query"] ?? "").trimmed
        errors.requireCharacters("query", query, max: queryLength)
        self.init(skip: skip, limit: limit, query: query)
    }

    private static func number(
        _ field: String, _ parameters: QueryParameters, absent: Int, errors: inout FieldErrors
    ) -> Int {
        let text = (parameters[field] ?? "").trimmed
        if text.isEmpty { return absent }
        guard text.isDigits else {
            errors.add(field, "The \(field) field must be numeric")
            return absent
        }
        return Int(text) ?? Int(Int32.max)
    }
}

/// The query string, decoded: `+` and `%20` are spaces, and the last of repeated names wins.
struct QueryParameters: Sendable {
    private let values: [String: [String]]

    init(_ request: Request) {
        self.init(query: request.uri.query ?? "")
    }

    /// Takes fields that were sent otherwise, decoded.
    init(_ values: [String: [String]]) {
        self.values = values
    }

    /// Reads what stands behind the question mark.
    init(query: String) {
        var values: [String: [String]] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[Self.decode(parts[0]), default: []].append(parts.count > 1 ? Self.decode(parts[1]) : "")
        }
        self.values = values
    }

    subscript(_ name: String) -> String? { values[name]?.last }

    /// Every value of `name`, which may be repeated as `name=` and as `name[]=`.
    func list(_ name: String) -> [String] { (values[name] ?? []) + (values["\(name)[]"] ?? []) }

    /// A phone number as `GET /v1/messages` reads it (K2): spaces at the end trimmed, one at the start is the `+` that a
    /// client did not escape.
    func rawNumber(_ name: String) -> String {
        var text = self[name] ?? ""
        while text.last == " " { text.removeLast() }
        return text.first == " " ? "+" + text.dropFirst() : text
    }

    private static func decode(_ text: Substring) -> String {
        let spaced = String(text).replacing("+", with: " ")
        return (spaced.removingPercentEncoding ?? spaced).withoutNULs
    }
}
