import HTTPTypes
import Hummingbird
import NIOCore

/// The fields of a form as a browser sends them, `application/x-www-form-urlencoded`.
struct PageForm: Sendable {
    private let fields: QueryParameters

    /// No fields.
    init() {
        fields = QueryParameters(query: "")
    }

    /// Reads the body of a request.
    ///
    /// - Throws: `PageError` 415 for another type of body, `NIOTooManyBytesError` above 64 KiB.
    init(of request: Request) async throws {
        let type = request.headers[.contentType]?.split(separator: ";").first?.trimmed.lowercased()
        guard type == "application/x-www-form-urlencoded" else {
            throw PageError(.unsupportedMediaType, "This page takes forms, and what came is none.")
        }
        let body = try await request.body.collect(upTo: Self.limit)
        fields = QueryParameters(query: String(buffer: body))
    }

    /// The last value of `name` without white space at its ends, empty when there is none; NUL, which no store takes, is
    /// replaced.
    func text(_ name: String) -> String { secret(name).trimmed }

    /// The same with its white space, which may be part of a password.
    func secret(_ name: String) -> String { (fields[name] ?? "").replacing("\0", with: "\u{FFFD}") }

    /// Every value of a field that may be repeated, as check boxes are.
    func list(_ name: String) -> [String] {
        fields.list(name).map { $0.replacing("\0", with: "\u{FFFD}") }
    }

    /// A form is a few fields; the longest lists are those of check boxes.
    private static let limit = 64 << 10
}
