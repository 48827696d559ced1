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
        let id = try context.id("forwarderID", of: ForwarderID.self, else: "validation errors while fetching forwarder")
        guard let found = try await operations.find(id, userID: context.userID) else {
            throw Self.notFound(id)
        }
        var view = view(found.forwarder, context)
        view.requests = found.requests
        return Reply("forwarder fetched successfully", view)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let id = try context.id("forwarderID", of: ForwarderID.self, else: "validation errors while deleting forwarder")
        guard try await operations.delete(id, userID: context.userID) else { throw Self.notFound(id) }
        return .noContent
    }

    private func view(_ forwarder: SMSForwarder, _ context: UserContext) -> ForwarderView {
        ForwarderView(forwarder: forwarder, url: operations.url(of: forwarder, told: context.origin.baseURL))
    }

    private static func notFound(_ id: ForwarderID) -> Refusal {
        Refusal.absent("cannot find forwarder with ID [\(id)]")
    }
}
