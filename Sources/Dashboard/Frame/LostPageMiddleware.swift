import Gateway
import HTTPTypes
import Hummingbird

/// Shows a browser a page where there is nothing, or nothing to look at. Whoever asks for anything but HTML, and everybody below the API's own
/// addresses, gets the API's answer.
struct LostPageMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let pages: PageMiddleware

    /// Whether people open what is at `path`: the dashboard, or the documentation.
    private static func isPage(_ path: String) -> Bool { GatewayRoutes.isPage(path) || path.hasPrefix("/docs/") }

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        guard [.notFound, .methodNotAllowed].contains(response.status), [.get, .head].contains(request.method),
            response.headers[.contentType]?.hasPrefix("text/html") != true, Self.isPage(request.uri.path),
            request.headers[.accept]?.contains("text/html") == true
        else { return response }
        var page = try await pages.handle(request, context: PageContext(context: context)) { _, _ in
            throw response.status == .notFound ? PageError.notFound : .formsOnly
        }
        if page.status == .methodNotAllowed { page.headers[.allow] = response.headers[.allow] }
        return page
    }
}
