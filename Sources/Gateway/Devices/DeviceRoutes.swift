import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Wire

/// `/v1/devices`: phones with the SMSGate app.
struct DeviceRoutes {
    let operations: DeviceOperations
    /// What URLs that we hand out begin with, given what a trusted proxy says.
    let appURL: @Sendable (_ told: String?) -> String

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/devices", use: list)
        group.post("/v1/devices/pairings", use: pair)
        group.delete("/v1/devices/:deviceID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let page = Page(QueryParameters(request), limit: 20, errors: &errors)
        try errors.check("validation errors while fetching devices")
        let devices = try await operations.list(userID: context.userID, page: page.withOneMore)
        return Reply(Part(devices, of: page), "device")
    }

    private struct PairRequest: Decodable {
        struct Number: Decodable {
            let sim: String?
            let phoneNumber: String?
        }

        let name: String?
        let numbers: [Number]?
    }

    private func pair(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(PairRequest.self, in: context)
        var errors = FieldErrors()
        let numbers = (body.numbers ?? []).prefix(3).enumerated().compactMap { index, number in
            let sim = number.sim ?? SIM.sim1.rawValue
            errors.requireOne("numbers[\(index)].sim", sim, of: SIM.allCases.map(\.rawValue))
            return SIM(rawValue: sim).map {
                SIMNumber(sim: $0, phoneNumber: PhoneNumber.address(number.phoneNumber ?? ""))
            }
        }
        try errors.check("validation errors while pairing a device")
        let receipt = context.receipt(of: FreshPairing.self) { pairing in
            Reply("device pairing created successfully", pairing, status: .created)
        }
        let pairing = try await operations.pair(
            name: (body.name ?? "").trimmed, numbers: numbers,
            url: appURL(context.origin.baseURL) + Device.path, userID: context.userID, receipt: receipt)
        return receipt.reply(pairing)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        var errors = FieldErrors()
        let text = context.parameters.get("deviceID") ?? ""
        let id = errors.requireID("deviceID", text, of: DeviceID.self)
        try errors.check("validation errors while deleting device")
        guard let id, try await operations.delete(id, userID: context.userID) else {
            throw Refusal.absent("cannot find device with ID [\(text)]")
        }
        return .noContent
    }
}
