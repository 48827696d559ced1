import Delivery
import Hummingbird
import Storage

/// `/v1/send-schedules`.
struct SendScheduleRoutes {
    let operations: SendScheduleOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/send-schedules", use: list)
        group.post("/v1/send-schedules", use: create)
        group.put("/v1/send-schedules/:scheduleID", use: update)
        group.delete("/v1/send-schedules/:scheduleID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        Reply("send schedules fetched successfully", try await operations.list(userID: context.userID))
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(SendScheduleBody.self, in: context)
        let receipt = context.receipt(of: SendSchedule.self) {
            Reply("send schedule created successfully", $0, status: .created)
        }
        return receipt.reply(try await operations.create(body, userID: context.userID, receipt: receipt))
    }

    private func update(_ request: Request, _ context: UserContext) async throws -> Reply {
        let (id, text) = try Self.id(context)
        let body = try await request.decode(SendScheduleBody.self, in: context)
        guard let schedule = try await operations.update(id, body, userID: context.userID) else {
            throw Self.notFound(text)
        }
        return Reply("send schedule updated successfully", schedule)
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let (id, text) = try Self.id(context)
        guard try await operations.delete(id, userID: context.userID) else { throw Self.notFound(text) }
        return .noContent
    }

    private static func id(_ context: UserContext) throws(Refusal) -> (SendScheduleID, text: String) {
        let text = context.parameters.get("scheduleID") ?? ""
        guard let id = SendScheduleID(text) else {
            throw Refusal.malformed("the ID [\(text)] of the send schedule must be a UUID")
        }
        return (id, text)
    }

    private static func notFound(_ text: String) -> Refusal {
        Refusal.absent("cannot find send schedule with ID [\(text)]")
    }
}
