import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

// snippet.begin
/// A context that holds the event of a webhook.
protocol WebhookContext: RequestContext {
    var event: CloudEvent? { get set }
}

/// Refuses what the gateway did not sign, with 401, and what is not an event, with 400.
struct WebhookMiddleware<Context: WebhookContext>: RouterMiddleware {
    let verifier: WebhookVerifier

    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var request = request
        var context = context
        let body = try await request.collectBody(upTo: 1 << 20)
        do {
            context.event = try await verifier.event(body: body.readableBytesView) { name in
                HTTPField.Name(name).flatMap { request.headers[$0] }
            }
        } catch let error as WebhookVerificationError {
            context.logger.notice("webhook refused", metadata: ["reason": "\(error)"])
            throw HTTPError(.unauthorized)
        } catch let error as CloudEventError {
            throw HTTPError(.badRequest, message: "\(error)")
        }
        return try await next(request, context)
    }
}
// snippet.end

// snippet.begin
struct AppContext: WebhookContext {
    var coreContext: CoreRequestContextStorage
    var event: CloudEvent?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }
}

func router(verifier: WebhookVerifier, handle: @escaping @Sendable (CloudEvent) async -> Void) -> Router<AppContext> {
    let router = Router(context: AppContext.self)
    router.group("hooks").add(middleware: WebhookMiddleware(verifier: verifier)).post("sms") { _, context in
        if let event = context.event { await handle(event) }
        return HTTPResponse.Status.ok
    }
    return router
}
// snippet.end
