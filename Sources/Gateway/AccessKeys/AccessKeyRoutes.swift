import Hummingbird
import Timestamps

/// `/v1/access-keys`. None of these routes is in ``KeyScope/routes``: an access key makes no other keys.
struct AccessKeyRoutes: Sendable {
    let operations: AccessKeyOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/access-keys", use: list)
        group.post("/v1/access-keys", use: create)
        group.delete("/v1/access-keys/:accessKeyID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let page = Page(QueryParameters(request), limit: 20, errors: &errors)
        try errors.check("validation errors while fetching access keys")
        let keys = try await operations.list(userID: context.userID, page: page.withOneMore)
        return Reply(Part(keys, of: page), "access key")
    }

    private struct CreateRequest: Decodable {
        let name: String?
        let scopes: [String]?
        let expiresAt: String?
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(CreateRequest.self, in: context)
        let receipt = context.receipt(of: FreshAccessKey.self) {
            Reply("access key created successfully", $0, status: .created)
        }
        var errors = FieldErrors()
        let end = body.expiresAt.flatMap(Timestamp.init(rfc3339:))
        if body.expiresAt != nil, end == nil {
            errors.add("expires_at", "The expires_at field must be a time in RFC 3339")
        }
        let key = try await operations.create(
            name: body.name ?? "", scopes: body.scopes ?? [], expiresAt: end, errors: errors, userID: context.userID,
            receipt: receipt)
        return receipt.reply(key)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let id = try context.id(
            "accessKeyID", of: AccessKeyID.self, else: "validation errors while deleting access key")
        guard try await operations.delete(id, userID: context.userID) else {
            throw Refusal.absent("cannot find access key with ID [\(id)]")
        }
        return .noContent
    }
}
