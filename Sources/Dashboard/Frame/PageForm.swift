import Delivery
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat
import Secrets
import Wire

/// The fields of a form as a browser sends them: `application/x-www-form-urlencoded`, and `multipart/form-data` where there
/// is a file among them.
struct PageForm: Sendable {
    private let fields: QueryParameters
    private let parts: [MultipartForm.Part]
    /// The same for the same fields.
    let digest: [UInt8]

    /// No fields.
    init() {
        fields = QueryParameters(query: "")
        parts = []
        digest = []
    }

    /// Reads the body of a request. Only somebody who is signed in may send `files`, as those are kept in memory, and
    /// only one at a time.
    ///
    /// - Throws: `PageError` 415 for another type of body, `NIOTooManyBytesError` above 64 KiB or the size of a file,
    ///   ``ServerBusy``.
    init(of request: Request, files: (UploadQueue.Client, UploadQueue)?) async throws {
        let type = request.headers[.contentType]?.split(separator: ";").first?.trimmed.lowercased()
        switch type {
        case "application/x-www-form-urlencoded":
            let body = try await request.body.collect(upTo: Self.limit)
            fields = QueryParameters(query: String(buffer: body))
            parts = []
            digest = SHA256Digest.bytes(of: Array(body.readableBytesView))
        case "multipart/form-data":
            guard let (client, uploads) = files else { throw Self.unsupported }
            let body = try await request.body.collect(upTo: Self.fileLimit)
            let type = request.headers[.contentType]
            (parts, digest) = try await uploads.run(for: client) { _ in
                let parts = try MultipartForm(Array(body.readableBytesView), contentType: type).parts
                // The boundary is drawn for each form.
                let digest = SHA256Digest.bytes(
                    of: parts.flatMap {
                        SHA256Digest.bytes(of: Array($0.name.utf8)) + SHA256Digest.bytes(of: Array($0.bytes))
                    })
                return (parts, digest)
            }
            let texts = parts.filter { $0.fileName == nil && $0.bytes.count <= Self.limit }
            fields = QueryParameters(
                Dictionary(grouping: texts, by: \.name).mapValues { texts in
                    texts.map { String(decoding: $0.bytes, as: UTF8.self) }
                })
        default: throw Self.unsupported
        }
    }

    /// The last value of `name` without white space at its ends, empty when there is none; NUL, which no store takes, is
    /// replaced.
    func text(_ name: String) -> String { secret(name).trimmed }

    /// The same with its white space, which may be part of a password.
    func secret(_ name: String) -> String { (fields[name] ?? "").storable }

    /// Every value of a field that may be repeated, as check boxes are.
    func list(_ name: String) -> [String] {
        fields.list(name).map { $0.storable }
    }

    /// The file that was chosen; nil when none was.
    func file(_ name: String) -> UploadedFile? {
        parts.first { $0.name == name && $0.fileName?.isEmpty == false }.map(UploadedFile.init)
    }

    /// The bytes of a field that may be as long as a file; nil when there is none.
    func bytes(_ name: String) -> ArraySlice<UInt8>? { parts.last { $0.name == name }?.bytes }

    private static let unsupported = PageError(
        .unsupportedMediaType, "This page takes forms, and what came is none.")

    /// A form is a few fields; the longest lists are those of check boxes.
    private static let limit = 64 << 10
    /// The largest file that is taken, in base64, with the form around it; see ``BulkPages``.
    private static let fileLimit = 8 << 20
}
