import Delivery
import HTTPTypes
import Hummingbird
import Storage
import Wire

/// `/v1/heartbeats` (contract 4.4).
struct HeartbeatRoutes {
    let store: any Store
    let operations: HeartbeatOperations

    func add(users: RouterGroup<UserContext>, phones: RouterGroup<PhoneContext>) {
        users.get("/v1/heartbeats", use: list)
        phones.post("/v1/heartbeats", use: create)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let parameters = QueryParameters(request)
        let owner = PhoneNumber.address(parameters["owner"] ?? "")
        var errors = FieldErrors()
        errors.require("owner", owner)
        errors.requirePhoneNumber("owner", owner)
        let page = Page(parameters, limit: 1, errors: &errors)
        try errors.check("validation errors while fetching heartbeats")
        let heartbeats = try await store.read(.user(context.userID)) { tx in
            try HeartbeatQueries.list(userID: context.userID, owner: owner, page: page.withOneMore, in: tx)
        }
        return Reply(Part(heartbeats, of: page), "heartbeat")
    }

    private struct CreateRequest: Decodable {
        let phoneNumbers: [String]?
        let owner: String?
        let charging: Bool?
    }

    private func create(_ request: Request, _ context: PhoneContext) async throws -> Reply {
        let body = try await request.decode(CreateRequest.self, in: context)
        var owners = (body.phoneNumbers ?? []).map(PhoneNumber.address)
        if owners.isEmpty, let owner = body.owner { owners = [PhoneNumber.address(owner)] }
        var errors = FieldErrors()
        errors.require("phone_numbers", owners)
        errors.requireCount("phone_numbers", owners, max: 2)
        errors.requirePhoneNumbers("phone_numbers", owners)
        try errors.check("validation errors while storing heartbeat")
        for owner in owners { try await context.identity.authorize(owner, in: store) }
        let receipt = context.receipt(of: [Heartbeat].self) { heartbeats in
            Reply("[\(heartbeats.count)] heartbeats received successfully", heartbeats, status: .created)
        }
        let heartbeats = try await operations.store(
            owners: owners, isCharging: body.charging ?? false,
            version: String((request.headers[.clientVersion] ?? "").prefix(255)), userID: context.userID,
            receipt: receipt)
        return receipt.reply(heartbeats)
    }
}
