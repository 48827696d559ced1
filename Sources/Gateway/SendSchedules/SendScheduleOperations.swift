import Delivery
import Storage
import Timestamps

/// What can be done with send schedules.
package struct SendScheduleOperations: Sendable {
    /// Where schedules are.
    package let store: any Store
    let quotas: Quotas
    /// What tells the time.
    package let clock: any WallClock

    /// All schedules of `userID`, newest first.
    package func list(userID: UserID) async throws -> [SendSchedule] {
        try await store.read(.user(userID)) { tx in try SendScheduleQueries.list(userID: userID, in: tx) }
    }

    /// Stores a new schedule.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func create(
        _ body: SendScheduleBody, userID: UserID, receipt: Receipt<SendSchedule>
    ) async throws -> SendSchedule {
        let settings = try body.settings(or: "validation errors while saving send schedule")
        let id = SendScheduleID(at: clock.now())
        return try await store.write(for: userID) { [quotas] tx in
            try receipt.keep(in: tx) {
                try quotas.require(roomFor: .schedules, userID: userID, in: tx) {
                    try SendScheduleQueries.list(userID: userID, in: tx).count
                }
                let schedule = SendSchedule(
                    id: id, userID: userID, name: settings.name, timezone: settings.timezone,
                    windows: settings.windows, createdAt: tx.now, updatedAt: tx.now)
                try SendScheduleQueries.save(schedule, in: tx)
                return schedule
            }
        }
    }

    /// Changes a schedule; what waits on the phones that keep it is planned again in the same transaction. Nil when the
    /// user has no such schedule.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func update(_ id: SendScheduleID, _ body: SendScheduleBody, userID: UserID) async throws -> SendSchedule? {
        let settings = try body.settings(or: "validation errors while updating send schedule")
        return try await store.write(.user(userID)) { tx in
            guard var schedule = try SendScheduleQueries.find(id, userID: userID, in: tx) else { return nil }
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
    }

    /// Deletes a schedule: phones that kept it may send at any time from now on. False when the user has no such schedule.
    package func delete(_ id: SendScheduleID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in
            guard try SendScheduleQueries.find(id, userID: userID, in: tx) != nil else { return false }
            for var phone in try SendScheduleQueries.phones(keeping: id, in: tx) {
                phone.messageSendScheduleID = nil
                phone.updatedAt = tx.now
                try PhoneQueries.save(phone, in: tx)
                try MessagePlanner.replan(phone, in: tx)
            }
            try SendScheduleQueries.delete(id, in: tx)
            return true
        }
    }
}
