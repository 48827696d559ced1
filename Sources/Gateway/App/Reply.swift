import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// httpSMS's success envelope: `data`, `message`, `status`, in this order.
package struct Reply: ResponseGenerator, Sendable {
    private let status: HTTPResponse.Status
    private let message: String
    private let data: (any JSONWritable)?
    private let warnings: [String]
    private let total: Int?
    private let next: NextPage

    /// Says `message` and hands over `data`; nil data is written as null, no warnings are not written.
    package init(
        _ message: String, _ data: (any JSONWritable)?, status: HTTPResponse.Status = .ok, warnings: [String] = [],
        total: Int? = nil
    ) {
        self.status = status
        self.message = message
        self.warnings = warnings
        self.total = total
        self.data = data ?? RawJSON([])
        next = .unpaged
    }

    /// A whole list: `fetched 1 phone`, `fetched 2 phones`.
    init(fetched items: [some JSONWritable], _ noun: String) {
        self.init(Self.sentence("fetched", items.count, noun, "\(noun)s"), items)
    }

    /// A part of a list, which says where the next one begins: `found 1 message`, `fetched 2 deliveries`.
    ///
    /// - Parameters:
    ///   - part: What was read of it.
    ///   - noun: What it lists.
    ///   - plural: More than one of it; nil adds an s.
    ///   - verb: How they were come by.
    ///   - total: How many there are in all parts; nil when the list does not say so.
    init(
        _ part: Part<some JSONWritable>, _ noun: String, plural: String? = nil, verb: String = "fetched",
        of total: Int? = nil
    ) {
        status = .ok
        message = Self.sentence(verb, part.rows.count, noun, plural ?? "\(noun)s")
        data = part.rows
        warnings = []
        self.total = total
        next = part.next.map(NextPage.cursor) ?? .last
    }

    private static func sentence(_ verb: String, _ count: Int, _ noun: String, _ plural: String) -> String {
        "\(verb) \(count) \(count == 1 ? noun : plural)"
    }

    /// 202, which has no data.
    init(accepted message: String) {
        status = .accepted
        self.message = message
        data = nil
        warnings = []
        total = nil
        next = .unpaged
    }

    /// The reply as bytes.
    var answer: Answer {
        Answer(status, data: data, message: message, warnings: warnings, total: total, next: next)
    }

    /// The answer as it is sent.
    package func response(from request: Request, context: some RequestContext) -> Response {
        answer.response
    }
}

/// Whether a list goes on.
enum NextPage: Sendable {
    /// It is no list, or a whole one.
    case unpaged
    /// There is no more.
    case last
    /// There is more, from here.
    case cursor(String)
}

/// An envelope as it goes over the wire.
struct Answer: Sendable {
    let status: HTTPResponse.Status
    /// JSON.
    let body: [UInt8]

    init(status: HTTPResponse.Status, body: [UInt8]) {
        self.status = status
        self.body = body
    }

    /// Writes a success; nil data and total are left out, and so is an empty list of warnings.
    init(
        _ status: HTTPResponse.Status, data: (any JSONWritable)?, message: String, warnings: [String] = [],
        total: Int? = nil, next: NextPage = .unpaged
    ) {
        self.init(status, data, message, "success") { o in
            if let total { o.field("total", total) }
            switch next {
            case .unpaged: break
            case .last: o.field("next_cursor", nil as String?)
            case .cursor(let cursor): o.field("next_cursor", cursor)
            }
            if !warnings.isEmpty { o.field("warnings", warnings) }
        }
    }

    /// Writes an error: the contract's members in their places, then `code`; nil data is left out. A `status` other than
    /// the code's is for what the HTTP server below the API answers.
    init(_ code: ErrorCode, data: (any JSONWritable)? = nil, message: String, status: HTTPResponse.Status? = nil) {
        self.init(status ?? code.status, data, message, "error") { o in o.field("code", code.rawValue) }
    }

    private init(
        _ status: HTTPResponse.Status, _ data: (any JSONWritable)?, _ message: String, _ outcome: String,
        _ more: (inout JSONObjectWriter) -> Void
    ) {
        var json = JSONWriter()
        json.object { o in
            if let data { Self.add(data, to: &o) }
            o.field("message", message)
            o.field("status", outcome)
            more(&o)
        }
        self.init(status: status, body: json.bytes)
    }

    var response: Response {
        Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }

    private static func add(_ data: some JSONWritable, to object: inout JSONObjectWriter) {
        object.field("data", data)
    }
}

extension Response {
    /// 204, which has no body.
    static var noContent: Response { Response(status: .noContent) }
}
