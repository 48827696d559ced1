import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps
import Wire

/// `/v1/phones` (contract 4.5).
struct PhoneRoutes {
    let store: any Store
    let operations: PhoneOperations

    func add(users: RouterGroup<UserContext>, phones: RouterGroup<PhoneContext>) {
        users.get("/v1/phones", use: list)
        users.put("/v1/phones", use: upsert)
        users.delete("/v1/phones/:phoneID", use: delete)
        phones.put("/v1/phones/fcm-token", use: upsertFCMToken)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let page = Page(QueryParameters(request), limit: 20, errors: &errors)
        try errors.check("validation errors while fetching phones")
        let phones = try await store.read(.user(context.userID)) { tx in
            try PhoneQueries.list(userID: context.userID, page: page.withOneMore, in: tx)
        }
        return Reply(Part(phones, of: page), "phone")
    }

    private func upsert(_ request: Request, _ context: UserContext) async throws -> Reply {
        let update = try await request.decode(PhoneUpdate.self, in: context)
        return Reply("phone updated successfully", try await operations.save(update, userID: context.userID))
    }

    private struct FCMTokenRequest: Decodable {
        let phoneNumber: String?
        let fcmToken: String?
        let sim: String?
    }

    private func upsertFCMToken(_ request: Request, _ context: PhoneContext) async throws -> Reply {
        let body = try await request.decode(FCMTokenRequest.self, in: context)
        let number = PhoneNumber.address(body.phoneNumber ?? "")
        let token = (body.fcmToken ?? "").trimmed
        var errors = FieldErrors()
        errors.require("phone_number", number)
        errors.requirePhoneNumber("phone_number", number)
        errors.requireBytes("fcm_token", token, max: 1_000)
        try errors.check("validation errors while updating phones")
        let sim = SIM(lenient: body.sim)
        let now = operations.clock.now()
        let phone = try await operations.upsert(number: number, identity: context.identity) { phone in
            phone.fcmToken = token.isEmpty ? nil : token
            if token.isEmpty { phone.askedAt = now }
            phone.sim = sim
        }
        return Reply("FCM token updated successfully", phone)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let text = context.parameters.get("phoneID") ?? ""
        let id = errors.requireID("phoneID", text, of: PhoneID.self)
        try errors.check("validation errors while deleting phone")
        guard let id, try await operations.delete(id, userID: context.userID) else {
            throw Refusal.absent("cannot find phone with ID [\(text)]")
        }
        return Reply("phone deleted successfully", nil)
    }
}
