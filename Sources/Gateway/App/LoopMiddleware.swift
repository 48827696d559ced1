import HTTPTypes
import Hummingbird
import Wire

/// Answers 508 to a webhook delivery that arrives at the API, ours or another server's: it would cause events, which
/// would be delivered in turn, without an end.
///
/// A webhook cannot lead to our own listening address, but a proxy in front of it is somebody else's address.
struct LoopMiddleware: RouterMiddleware {
    typealias Context = APIContext

    /// Whether all that is behind it is the API, whatever its path.
    var isEverywhere = false

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        if request.headers[.deliveryID] != nil, isEverywhere || Self.isAPI(request.uri.path) {
            throw Refusal(
                .loop, "This is a webhook delivery. A webhook must not call the API of an httpSMS server.")
        }
        return try await next(request, context)
    }

    /// Paths are matched without regard to case.
    private static func isAPI(_ path: String) -> Bool {
        let path = path.lowercased()
        return path == "/v1" || path.hasPrefix("/v1/")
    }
}
