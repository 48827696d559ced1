import HTTPTypes
import Hummingbird
import Wire

/// Any page may call with a key; cookies are never read here. Browsers ask first which headers they may send:
/// all that they ask for, as `*` does not stand for `Authorization` (Fetch standard, CORS protocol).
struct PreflightMiddleware: RouterMiddleware {
    typealias Context = APIContext

    /// What adds the other headers; behind this one.
    static let crossOrigin = CORSMiddleware<APIContext>(
        allowOrigin: .all,
        allowHeaders: [.accept, .authorization, .contentType, .apiKey, .clientVersion, .idempotencyKey],
        allowMethods: [.get, .post, .put, .delete, .options], exposedHeaders: ["*"])

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard request.method == .options, let usual = response.headers[.accessControlAllowHeaders],
            let asked = request.headers[.accessControlRequestHeaders]
        else { return response }
        let names = asked.split(separator: ",", maxSplits: Self.most).prefix(Self.most).map(\.trimmed)
        let known = usual.lowercased().split(separator: ",").map(\.trimmed)
        let more = names.filter { HTTPField.Name($0) != nil && !known.contains($0.lowercased()) }
        response.headers[.accessControlAllowHeaders] = ([usual] + more).joined(separator: ", ")
        response.headers[.vary] = "Access-Control-Request-Headers"
        return response
    }

    /// More headers than any client has of its own.
    private static let most = 100
}

/// Refuses bodies that are compressed, before a route takes them for something else (RFC 9110, section 15.5.16).
struct ContentEncodingMiddleware: RouterMiddleware {
    typealias Context = APIContext

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let encoding = (request.headers[.contentEncoding] ?? "").trimmed.lowercased()
        guard encoding.isEmpty || encoding == "identity" else {
            throw Refusal(
                .unreadable, "The request isn't properly formed",
                reason: "the Content-Encoding [\(encoding.prefix(64))] is not supported: send the body as it is")
        }
        return try await next(request, context)
    }
}
