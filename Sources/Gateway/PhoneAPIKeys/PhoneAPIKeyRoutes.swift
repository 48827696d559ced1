import Delivery
import Hummingbird
import Storage
import Timestamps

/// `/v1/phone-api-keys` (contract 4.6).
struct PhoneAPIKeyRoutes {
    let store: any Store
    let queries: PhoneAPIKeyQueries
    let identities: Identities
    let clock: any WallClock

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
        let keys = try await store.read { [queries] tx in try queries.list(userID: context.userID, page: page, in: tx) }
        return Reply(fetched: keys, "phone API key")
    }

    private struct CreateRequest: Decodable {
        let name: String?
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let name = (try await request.decode(CreateRequest.self).name ?? "").trimmed
        var errors = FieldErrors()
        errors.require("name", name)
        errors.requireBytes("name", name, max: 60)
        try errors.check("validation errors while creating phone API key")
        let id = PhoneAPIKeyID(at: clock.now())
        let apiKey = APIKey.random(prefix: APIKey.phonePrefix)
        let receipt = context.receipt(of: PhoneAPIKey?.self) { Reply("phone API key created successfully", $0) }
        let key = try await store.write { [queries] tx in
            try receipt.keep(in: tx) {
                try queries.insert(id, name: name, apiKey: apiKey, userID: context.userID, in: tx)
            }
        }
        return receipt.reply(key)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        var errors = FieldErrors()
        let text = context.parameters.get("phoneAPIKeyID") ?? ""
        let id = errors.requireID("phoneAPIKeyID", text, of: PhoneAPIKeyID.self)
        try errors.check("validation errors while deleting phone API key")
        let isDeleted = try await store.write { [queries, identities] tx in
            try identities.forgetAll(in: tx)
            return try id.map { try queries.delete($0, userID: context.userID, in: tx) } ?? false
        }
        guard isDeleted else { throw APIError.notFound("cannot find phone API key with ID [\(text)]") }
        return .noContent
    }

    private func unbind(_ request: Request, _ context: UserContext) async throws -> Response {
        var errors = FieldErrors()
        let keyText = context.parameters.get("phoneAPIKeyID") ?? ""
        let phoneText = context.parameters.get("phoneID") ?? ""
        let key = errors.requireID("phoneAPIKeyID", keyText, of: PhoneAPIKeyID.self)
        let phone = errors.requireID("phoneID", phoneText, of: PhoneID.self)
        try errors.check("validation errors while removing the phone from the phone API key")
        let isFound = try await store.write { [queries, identities] tx in
            guard let key, let phone, try queries.exists(key, userID: context.userID, in: tx),
                try PhoneQueries.find(phone, userID: context.userID, in: tx) != nil
            else { return false }
            try PhoneAPIKeyQueries.unbind(phone, from: key, in: tx)
            try identities.forgetAll(in: tx)
            return true
        }
        guard isFound else {
            throw APIError.notFound(
                "cannot find phone with ID [\(phoneText)] which is associated with phone API key with ID [\(keyText)]")
        }
        return .noContent
    }
}
