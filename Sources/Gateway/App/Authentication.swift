import Delivery
import HTTPTypes
import Hummingbird
import Secrets
import Wire

/// Finds out who makes a request from `x-api-key`, or from `Authorization: Bearer`, which takes no key of a phone.
///
/// An unknown key is not an error here: routes that need an identity answer 401 themselves. Keys are never read from the
/// query or the body, where they would end in logs.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let identities: Identities

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.method = request.method
        for key in [request.headers[.apiKey], Self.bearer(request)].compactMap(\.self) where context.identity == nil {
            context.identity = try await identities.identity(of: key)
        }
        return try await next(request, context)
    }

    /// The user key in `Authorization: Bearer`; nil when there is none, or a phone key, which is not taken there.
    static func bearer(_ request: Request) -> String? {
        bearerToken(request).flatMap { $0.hasPrefix(APIKey.phonePrefix) ? nil : $0 }
    }

    /// Whatever stands in `Authorization: Bearer`; nil when there is no such field.
    static func bearerToken(_ request: Request) -> String? {
        guard let header = request.headers[.authorization], header.lowercased().hasPrefix("bearer ") else { return nil }
        return header.dropFirst(7).trimmed
    }
}
