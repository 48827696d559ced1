import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import NIOCore

/// The contract's success envelope (1.4): `data`, `message`, `status`, in this order.
struct Reply: ResponseGenerator {
    private let status: HTTPResponse.Status
    private let message: String
    private let data: any JSONWritable

    /// Says `message` and hands over `data`; nil data is written as null.
    init(_ message: String, _ data: (any JSONWritable)?, status: HTTPResponse.Status = .ok) {
        self.status = status
        self.message = message
        self.data = data ?? RawJSON([])
    }

    /// A list: `fetched 1 phone`, `fetched 2 phones`.
    init(fetched items: [some JSONWritable], _ noun: String) {
        self.init("fetched \(items.count) \(noun)\(items.count == 1 ? "" : "s")", items)
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        Response.json(status, data: data, message: message, outcome: "success")
    }
}

extension Response {
    /// 204, which has no body.
    static var noContent: Response { Response(status: .noContent) }

    /// An envelope; nil data is left out.
    static func json(
        _ status: HTTPResponse.Status, data: (any JSONWritable)?, message: String, outcome: String
    ) -> Response {
        var json = JSONWriter()
        json.object { o in
            if let data { Response.add(data, to: &o) }
            o.field("message", message)
            o.field("status", outcome)
        }
        return Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }

    private static func add(_ data: some JSONWritable, to object: inout JSONObjectWriter) {
        object.field("data", data)
    }
}
