import Delivery
import Hummingbird
import Storage
import Timestamps

/// `/v1/send-schedules` (contract 4.7).
struct SendScheduleRoutes {
    let store: any Store
    let clock: any WallClock

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/send-schedules", use: list)
        group.post("/v1/send-schedules", use: create)
        group.put("/v1/send-schedules/:scheduleID", use: update)
        group.delete("/v1/send-schedules/:scheduleID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let schedules = try await store.read { tx in try SendScheduleQueries.list(userID: context.userID, in: tx) }
        return Reply("send schedules fetched successfully", schedules)
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let settings = try await request.decode(SendScheduleBody.self)
            .settings(or: "validation errors while saving send schedule")
        let id = SendScheduleID(at: clock.now())
        let receipt = context.receipt(of: SendSchedule.self) {
            Reply("send schedule created successfully", $0, status: .created)
        }
        let schedule = try await store.write { tx in
            try receipt.keep(in: tx) {
                let schedule = SendSchedule(
                    id: id, userID: context.userID, name: settings.name, timezone: settings.timezone,
                    windows: settings.windows, createdAt: tx.now, updatedAt: tx.now)
                try SendScheduleQueries.save(schedule, in: tx)
                return schedule
            }
        }
        return receipt.reply(schedule)
    }

    /// What waits on the phones that keep the schedule is planned anew in the same transaction.
    private func update(_ request: Request, _ context: UserContext) async throws -> Reply {
        let (id, text) = try Self.id(context)
        let settings = try await request.decode(SendScheduleBody.self)
            .settings(or: "validation errors while updating send schedule")
        let schedule = try await store.write { tx -> SendSchedule? in
            guard var schedule = try SendScheduleQueries.find(id, userID: context.userID, in: tx) else { return nil }
            schedule.name = settings.name
            schedule.timezone = settings.timezone
            schedule.windows = settings.windows
            schedule.updatedAt = tx.now
            try SendScheduleQueries.save(schedule, in: tx)
            for phone in try SendScheduleQueries.phones(keeping: id, in: tx) {
                try MessagePlanner.replan(phone, in: tx)
            }
            return schedule
        }
        guard let schedule else { throw Self.notFound(text) }
        return Reply("send schedule updated successfully", schedule)
    }

    /// Phones that kept the schedule may send at any time from now on.
    private func delete(_ request: Request, _ context: UserContext) async throws -> Response {
        let (id, text) = try Self.id(context)
        let isDeleted = try await store.write { tx in
            guard try SendScheduleQueries.find(id, userID: context.userID, in: tx) != nil else { return false }
            for var phone in try SendScheduleQueries.phones(keeping: id, in: tx) {
                phone.messageSendScheduleID = nil
                phone.updatedAt = tx.now
                try PhoneQueries.save(phone, in: tx)
                try MessagePlanner.replan(phone, in: tx)
            }
            try SendScheduleQueries.delete(id, in: tx)
            return true
        }
        guard isDeleted else { throw Self.notFound(text) }
        return .noContent
    }

    private static func id(_ context: UserContext) throws(APIError) -> (SendScheduleID, text: String) {
        let text = context.parameters.get("scheduleID") ?? ""
        guard let id = SendScheduleID(text) else {
            throw APIError.badRequest("the ID [\(text)] of the send schedule must be a UUID")
        }
        return (id, text)
    }

    private static func notFound(_ text: String) -> APIError {
        APIError.notFound("cannot find send schedule with ID [\(text)]")
    }
}
