import Agents
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Wire

/// Tells what goes wrong in the way that agents' programs read: the status, and JSON-RPC with the same words.
struct AgentErrorMiddleware: RouterMiddleware {
    typealias Context = APIContext

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let response = try await ErrorMiddleware().handle(request, context: context, next: next)
        guard response.status.code >= 400 else { return response }
        let body = BodyBytes()
        try await response.body.write(body)
        var json = body.bytes
        // What is no envelope is JSON-RPC already.
        if let envelope = ErrorEnvelope(json) {
            let words = [envelope.message] + envelope.details
            json = AgentMessage.Fault(code: Self.code(response.status), message: words.joined(separator: ": "))
                .encodedJSON()
        }
        var answer = Response.agent(response.status, json)
        answer.headers[.retryAfter] = response.headers[.retryAfter]
        if response.status == .unauthorized { answer.headers[.wwwAuthenticate] = Self.challenge(request) }
        return answer
    }

    private static func code(_ status: HTTPResponse.Status) -> AgentMessage.Fault.Code {
        switch status {
        case .serviceUnavailable: .busy
        case _ where status.kind == .serverError: .internalError
        default: .invalidRequest
        }
    }

    /// RFC 6750, section 3: no code of an error where no key came.
    private static func challenge(_ request: Request) -> String {
        let hasKey = request.headers[.apiKey] != nil || request.headers[.authorization] != nil
        return #"Bearer realm="httpsms""# + (hasKey ? #", error="invalid_token""# : "")
    }
}

/// Refuses what a page of another origin sends, and one of a name that is not ours, which may lead here by DNS rebinding: the
/// transport demands it. A request without `Origin` comes from no page, as browsers send it with each POST.
struct AgentOriginMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let site: ServerSite

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        if request.headers[.origin] != nil {
            let isSecure = site.isSecure(request, context.origin)
            guard site.isOwnName(request), ServerSite.hasOwnOrigin(request, isSecure: isSecure) else {
                throw Refusal(.forbidden, "Web pages of other origins may not call this.")
            }
        }
        return try await next(request, context)
    }
}

extension Response {
    /// One message of JSON-RPC.
    static func agent(_ status: HTTPResponse.Status, _ json: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: json)))
    }
}
