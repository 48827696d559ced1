import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Answers 405 to a method that a known path has not, and `OPTIONS` with what it has (RFC 9110, sections 9.3.7 and 15.5.6).
///
/// The router knows only 404. Whether a path is known is asked after that, so that requests that are routed pay nothing. A
/// browser's preflight was answered before. No key is looked at: the paths are in `openapi.json` for everybody.
struct MethodMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let methods: MethodsOfPaths

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        // Hummingbird's word for a request that no route took.
        guard response.status == .notFound, context.endpointPath == "NotFound",
            let allowed = await methods.allowed(at: request, context)
        else { return response }
        if request.method == .options { return Response(status: .noContent, headers: [.allow: allowed]) }
        var refused = Answer(
            .methodNotAllowed, message: "\(request.method) does not exist at \(request.uri.path), only \(allowed)."
        ).response
        refused.headers[.allow] = allowed
        return refused
    }
}

/// Which methods each path of a router has. It is told once, when all routes are added, and asked from then on.
final class MethodsOfPaths: Sendable {
    /// A router of the same paths, each with one route, which answers with the methods: so that a path leads where the real
    /// router looks for the method.
    private let paths = Mutex<FirstUse<RouterResponder<APIContext>>?>(nil)

    func learn(of router: Router<APIContext>) {
        let routes = router.routes.map { (path: $0.path, method: $0.method) }
        let shadow = FirstUse {
            let shadow = Router(context: APIContext.self, options: [.caseInsensitive])
            let methods = Dictionary(grouping: routes, by: { "\($0.path)" }).mapValues { $0.map(\.method) }
            // In the order of the router, which decides between siblings.
            for route in routes where methods["\(route.path)"]?.first == route.method {
                let allowed = Self.list(methods["\(route.path)"] ?? [])
                shadow.get(route.path) { _, _ in Response(status: .noContent, headers: [.allow: allowed]) }
            }
            return shadow.buildResponder()
        }
        paths.withLock { $0 = shadow }
    }

    /// The value of `Allow` for the request's path; nil when there is nothing.
    func allowed(at request: Request, _ context: APIContext) async -> String? {
        guard let paths = paths.withLock({ $0 })?.value else { return nil }
        var head = request.head
        head.method = .get
        // It throws for a path that nobody knows.
        let answer = try? await paths.respond(
            to: Request(head: head, body: RequestBody(buffer: ByteBuffer())), context: context)
        return answer?.headers[.allow]
    }

    /// In the order in which people list them.
    private static func list(_ methods: [HTTPRequest.Method]) -> String {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete]
        let all = Set(methods).union(methods.contains(.get) ? [.head] : [])
        return (known.filter(all.contains) + [.options]).map(\.rawValue).joined(separator: ", ")
    }
}
