import HTTPTypes
import Hummingbird
import Wire

/// What every answer carries, whichever route gives it: health, metrics, documentation, pages, the API, and errors.
///
/// It stands around all else, so that no route can forget it. A route that says something of its own keeps that: pages
/// have another `Referrer-Policy`, their assets may be kept for a year.
struct AnswerHeadersMiddleware: RouterMiddleware {
    typealias Context = APIContext

    /// Whether clients reach this server over TLS: it speaks TLS itself, or APP_URL begins with `https`.
    let isSecure: Bool

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        // Answers hold keys and messages: a shared cache that does not know `x-api-key` must not hand them to others.
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if response.headers[.referrerPolicy] == nil { response.headers[.referrerPolicy] = "no-referrer" }
        response.headers[.xContentTypeOptions] = "nosniff"
        if isSecure { response.headers[.strictTransportSecurity] = Self.transportSecurity }
        // The router leaves the body out for routes that there are (RFC 9110, section 9.3.2): here for what is refused before.
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// A year, as browsers' lists ask for at least. Subdomains are somebody else's to decide on.
    private static let transportSecurity = "max-age=31536000"
}
