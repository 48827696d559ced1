import Foundation
import Hummingbird
import Timestamps
import Wire

/// Which part of a list is asked for: decimal text, clamped and never rejected for being large (K1).
package struct Page: Sendable {
    /// How many rows come before it.
    package let skip: Int
    /// The most rows it has.
    package let limit: Int
    /// What the list's text column must contain; empty for everything.
    package let query: String

    /// Says it all; nothing is clamped.
    package init(skip: Int, limit: Int, query: String) {
        (self.skip, self.limit, self.query) = (skip, limit, query)
    }

    /// The same with one row more, which tells whether there is a next page.
    package var withOneMore: Page { Page(skip: skip, limit: Self.oneMore(than: limit), query: query) }

    /// One row more than `limit`; none when none are wanted.
    static func oneMore(than limit: Int) -> Int { limit == 0 ? 0 : limit.clampedAdding(1) }
}

/// The part of a list that is answered, and where its next part begins: the one way to page that all lists have.
///
/// A cursor is what `next_cursor` said, and nothing for a client to look into: the number of rows before a part, or the row at
/// its end where a list has a position. `skip`, `after` and `before` are read as ever.
struct Part<Row: Sendable>: Sendable {
    let rows: [Row]
    /// What `next_cursor` says; nil at the end of the list.
    let next: String?

    /// Takes what was read with ``Page/withOneMore``.
    init(_ rows: [Row], of page: Page) {
        self.init(rows, limit: page.limit) { _ in "\(page.skip.clampedAdding(page.limit))" }
    }

    /// Takes what is to be answered, and what `next_cursor` says.
    init(_ rows: [Row], next: String?) {
        (self.rows, self.next) = (rows, next)
    }

    /// Takes up to `limit` of rows that were read with ``Page/oneMore(than:)``.
    init(_ rows: [Row], limit: Int, cursor: (Row) -> String) {
        self.rows = Array(rows.prefix(limit))
        next = rows.count > limit ? self.rows.last.map(cursor) : nil
    }
}

extension Page {
    /// Reads `skip`, `limit` and `query`; what breaks a rule is noted in `errors`.
    ///
    /// - Parameters:
    ///   - parameters: The query string.
    ///   - defaultLimit: What an absent `limit` means.
    ///   - maximum: The largest page; the web interface of httpSMS asks for 100.
    ///   - queryLength: How long `query` may be, in UTF-16 units.
    ///   - skips: Whether a cursor of this list counts rows; false for a list with positions, which reads its own.
    ///   - errors: Where broken rules are noted.
    package init(
        _ parameters: QueryParameters, limit defaultLimit: Int, maximum: Int = 100, queryLength: Int = 100,
        skips: Bool = true, errors: inout FieldErrors
    ) {
        var skip = Self.number("skip", parameters, absent: 0, errors: &errors)
        if skips, let cursor = parameters.cursor {
            skip = Int(cursor) ?? 0
            if !cursor.isDigits || Int(cursor) == nil { errors.add("cursor", Self.wrongCursor) }
        }
        let limit = min(Self.number("limit", parameters, absent: defaultLimit, errors: &errors), maximum)
        let query = (parameters["query"] ?? "").trimmed
        errors.requireCharacters("query", query, max: queryLength)
        self.init(skip: skip, limit: limit, query: query)
    }

    /// A cursor that no list gave out.
    static let wrongCursor = "The cursor field must be the next_cursor of an answer"

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
package struct QueryParameters: Sendable {
    private let values: [String: [String]]

    /// Reads the query string of a request.
    package init(_ request: Request) {
        self.init(query: request.uri.query ?? "")
    }

    /// Takes fields that were sent otherwise, decoded.
    package init(_ values: [String: [String]]) {
        self.values = values
    }

    /// Reads what stands behind the question mark.
    package init(query: String) {
        var values: [String: [String]] = [:]
        for pair in query.storable.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[Self.decode(parts[0]), default: []].append(parts.count > 1 ? Self.decode(parts[1]) : "")
        }
        self.values = values
    }

    /// The last value of a name; nil when it is absent.
    package subscript(_ name: String) -> String? { values[name]?.last }

    /// Where a list goes on; nil when that is not asked for.
    var cursor: String? {
        let text = (self["cursor"] ?? "").trimmed
        return text.isEmpty ? nil : text
    }

    /// Every value of `name`, which may be repeated as `name=` and as `name[]=`.
    package func list(_ name: String) -> [String] { (values[name] ?? []) + (values["\(name)[]"] ?? []) }

    /// A phone number as `GET /v1/messages` reads it (K2): spaces at the end trimmed, one at the start is the `+` that a
    /// client did not escape.
    package func rawNumber(_ name: String) -> String {
        var text = self[name] ?? ""
        while text.last == " " { text.removeLast() }
        return text.first == " " ? "+" + text.dropFirst() : text
    }

    private static func decode(_ text: Substring) -> String {
        let spaced = String(text).replacingBytes("+", with: " ")
        return (spaced.removingPercentEncoding ?? spaced).storable
    }
}
