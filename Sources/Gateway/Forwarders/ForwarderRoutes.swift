import Hummingbird

/// `/v1/forwarders`: hooks for apps that pass on SMS.
struct ForwarderRoutes {
    let operations: ForwarderOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/forwarders", use: list)
        group.post("/v1/forwarders", use: create)
        group.get("/v1/forwarders/:forwarderID", use: show)
        group.delete("/v1/forwarders/:forwarderID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let forwarders = try await operations.list(userID: context.userID)
        return Reply(fetched: forwarders.map { view($0, context) }, "forwarder")
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(ForwarderBody.self, in: context)
        let receipt = context.receipt(of: SMSForwarder.self) {
            Reply("forwarder created successfully", view($0, context), status: .created)
        }
        return receipt.reply(try await operations.create(body, userID: context.userID, receipt: receipt))
    }

    private func show(_ request: Request, _ context: UserContext) async throws -> Reply {
        let (id, text) = try Self.id(context, "validation errors while fetching forwarder")
        guard let id, let found = try await operations.find(id, userID: context.userID) else {
            throw Self.notFound(text)
        }
        var view = view(found.forwarder, context)
        view.requests = found.requests
        return Reply("forwarder fetched successfully", view)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let (id, text) = try Self.id(context, "validation errors while deleting forwarder")
        guard let id, try await operations.delete(id, userID: context.userID) else { throw Self.notFound(text) }
        return .noContent
    }

    private func view(_ forwarder: SMSForwarder, _ context: UserContext) -> ForwarderView {
        ForwarderView(forwarder: forwarder, url: operations.url(of: forwarder, told: context.origin.baseURL))
    }

    private static func id(_ context: UserContext, _ message: String) throws(Refusal) -> (ForwarderID?, String) {
        var errors = FieldErrors()
        let text = context.parameters.get("forwarderID") ?? ""
        let id = errors.requireID("forwarderID", text, of: ForwarderID.self)
        try errors.check(message)
        return (id, text)
    }

    private static func notFound(_ text: String) -> Refusal {
        Refusal.absent("cannot find forwarder with ID [\(text)]")
    }
}
