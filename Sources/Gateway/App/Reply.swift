import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// The contract's success envelope (1.4): `data`, `message`, `status`, in this order.
struct Reply: ResponseGenerator {
    private let status: HTTPResponse.Status
    private let message: String
    private let data: (any JSONWritable)?
    private let warnings: [String]
    private let total: Int?

    /// Says `message` and hands over `data`; nil data is written as null, no warnings are not written.
    init(
        _ message: String, _ data: (any JSONWritable)?, status: HTTPResponse.Status = .ok, warnings: [String] = [],
        total: Int? = nil
    ) {
        self.status = status
        self.message = message
        self.warnings = warnings
        self.total = total
        self.data = data ?? RawJSON([])
    }

    /// A list: `fetched 1 phone`, `fetched 2 phones`. With `total`, it says how many there are on all pages.
    init(fetched items: [some JSONWritable], _ noun: String, of total: Int? = nil) {
        self.init(list: items, "fetched", noun, total: total)
    }

    /// A list: `found 1 message`, `found 2 messages`.
    init(found items: [some JSONWritable], _ noun: String) {
        self.init(list: items, "found", noun)
    }

    private init(list items: [some JSONWritable], _ verb: String, _ noun: String, total: Int? = nil) {
        self.init("\(verb) \(items.count) \(noun)\(items.count == 1 ? "" : "s")", items, total: total)
    }

    /// 202, which has no data.
    init(accepted message: String) {
        status = .accepted
        self.message = message
        data = nil
        warnings = []
        total = nil
    }

    /// The reply as bytes.
    var answer: Answer {
        Answer(status, data: data, message: message, warnings: warnings, total: total)
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        answer.response
    }
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
        total: Int? = nil
    ) {
        self.init(status, data, message, "success") { o in
            if let total { o.field("total", total) }
            if !warnings.isEmpty { o.field("warnings", warnings) }
        }
    }

    /// Writes an error: the contract's members in their places, then `code`; nil data is left out.
    ///
    /// - Parameter status: Another status than the code's, for what the HTTP server below the API answers.
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
