import Delivery
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import Wire

/// `/v1/playground`, and where its requests arrive.
struct PlaygroundRoutes: Sendable {
    let operations: PlaygroundOperations

    func add(to routes: APIRoutes) {
        routes.users.get("/v1/playground", use: show)
        routes.users.post("/v1/playground", use: open)
        routes.users.delete("/v1/playground", use: close)
        let path = RouterPath("\(OwnReceiver.path):token")
        for method in [HTTPRequest.Method.post, .put] { routes.open.on(path, method: method, use: receive) }
    }

    private func show(_ request: Request, _ context: UserContext) async throws -> Reply {
        let text = (QueryParameters(request)["after"] ?? "").trimmed
        var errors = FieldErrors()
        if !text.isEmpty, !text.isDigits { errors.add("after", "The after field must be the number of a request") }
        try errors.check("validation errors while fetching the playground")
        let after = Int64(text) ?? (text.isEmpty ? 0 : .max)
        guard let view = try await operations.find(userID: context.userID, after: after) else { throw Self.none }
        return Reply("playground fetched successfully", view)
    }

    private func open(_ request: Request, _ context: UserContext) async throws -> Reply {
        Reply("playground opened successfully", try await operations.open(userID: context.userID))
    }

    private func close(_ request: Request, _ context: UserContext) async throws -> Response {
        guard try await operations.close(userID: context.userID) else { throw Self.none }
        return .noContent
    }

    /// What a webhook gets: 204 once the request is kept.
    private func receive(_ request: Request, _ context: APIContext) async throws -> Response {
        // Whoever has no token has nothing read.
        guard let playground = try await operations.find(token: context.parameters.get("token") ?? "") else {
            throw Refusal.absent("There is no playground here: it was deleted, or the URL is not whole.")
        }
        let body = try await request.body.collect(upTo: RequestBody.usualLimit)
        let event = try await context.uploads.reading(body, of: playground.userID) {
            Result { try CloudEvent(decoding: body.readableBytesView) }
        }
        let headers = request.headers.map { (name: $0.name.rawName, value: $0.value) }
        try await operations.receive(
            request.method.rawValue, headers, Array(body.readableBytesView), event, at: playground)
        return .noContent
    }

    private static let none = Refusal.absent("There is no playground yet: POST /v1/playground makes one.")
}
