import Delivery
import Hummingbird
import Storage

/// `/v1/phone-api-keys` (contract 4.6).
struct PhoneAPIKeyRoutes {
    let operations: PhoneAPIKeyOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/phone-api-keys", use: list)
        group.post("/v1/phone-api-keys", use: create)
        group.delete("/v1/phone-api-keys/:phoneAPIKeyID", use: delete)
        group.delete("/v1/phone-api-keys/:phoneAPIKeyID/phones/:phoneID", use: unbind)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let page = Page(QueryParameters(request), limit: 20, errors: &errors)
        try errors.check("validation errors while fetching phone API keys")
        let keys = try await operations.list(userID: context.userID, page: page.withOneMore)
        return Reply(Part(keys, of: page), "phone API key")
    }

    private struct CreateRequest: Decodable {
        let name: String?
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let name = try await request.decode(CreateRequest.self, in: context).name ?? ""
        let receipt = context.receipt(of: PhoneAPIKey?.self) { Reply("phone API key created successfully", $0) }
        return receipt.reply(try await operations.create(name: name, userID: context.userID, receipt: receipt))
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        var errors = FieldErrors()
        let text = context.parameters.get("phoneAPIKeyID") ?? ""
        let id = errors.requireID("phoneAPIKeyID", text, of: PhoneAPIKeyID.self)
        try errors.check("validation errors while deleting phone API key")
        guard let id, try await operations.delete(id, userID: context.userID) else {
            throw Refusal.absent("cannot find phone API key with ID [\(text)]")
        }
        return .noContent
    }

    private func unbind(_ request: Request, _ context: UserContext) async throws -> Response {
        var errors = FieldErrors()
        let keyText = context.parameters.get("phoneAPIKeyID") ?? ""
        let phoneText = context.parameters.get("phoneID") ?? ""
        let key = errors.requireID("phoneAPIKeyID", keyText, of: PhoneAPIKeyID.self)
        let phone = errors.requireID("phoneID", phoneText, of: PhoneID.self)
        try errors.check("validation errors while removing the phone from the phone API key")
        guard let key, let phone, try await operations.unbind(phone, from: key, userID: context.userID) else {
            throw Refusal.absent(
                "cannot find phone with ID [\(phoneText)] which is associated with phone API key with ID [\(keyText)]")
        }
        return .noContent
    }
}
