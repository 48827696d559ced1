import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Wire

/// What every answer carries, whichever route gives it: health, metrics, documentation, pages, the API, and errors.
///
/// It stands around all else, so that no route can forget it, and hands on paths as the router reads them. A route that says something of its own keeps that: pages
/// have another `Referrer-Policy`, their assets may be kept for a year.
struct AnswerHeadersMiddleware: RouterMiddleware {
    typealias Context = APIContext

    /// Whether clients reach this server over TLS: it speaks TLS itself, or APP_URL begins with `https`.
    let isSecure: Bool

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response =
            Self.isReadable(request)
            ? try await next(request.withSingleSlashes, context)
            : Answer(.malformedRequest, message: "The path or a header has too many combining marks in a row.").response
        // Answers hold keys and messages: a shared cache that does not know `x-api-key` must not hand them to others.
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if response.headers[.referrerPolicy] == nil { response.headers[.referrerPolicy] = "no-referrer" }
        response.headers[.xContentTypeOptions] = "nosniff"
        if isSecure { response.headers[.strictTransportSecurity] = Self.transportSecurity }
        // The router leaves the body out for routes that there are (RFC 9110, section 9.3.2): here for what is refused before.
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// Whether headers and path can be compared without harm: see ``StreamSafeText``. Bodies are seen to where they are read.
    private static func isReadable(_ request: Request) -> Bool {
        // `Host` is none of the headers.
        guard !StreamSafeText.isNeeded(for: request.head.authority ?? ""),
            request.headers.allSatisfy({ !StreamSafeText.isNeeded(for: $0.value) })
        else { return false }
        let path = request.uri.path
        guard path.utf8.contains(UInt8(ascii: "%")), let text = path.removingPercentEncoding else { return true }
        return !StreamSafeText.isNeeded(for: text)
    }

    /// A year, as browsers' lists ask for at least. Subdomains are somebody else's to decide on.
    private static let transportSecurity = "max-age=31536000"
}
