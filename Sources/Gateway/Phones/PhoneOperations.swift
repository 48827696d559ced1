import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What can be done with phones.
struct PhoneOperations: Sendable {
    let store: any Store
    let endpoints: EndpointQueries
    let identities: Identities
    let clock: any WallClock
    /// The shortest expiration a phone may ask for; 60 s in httpSMS.
    let minimumExpiration: Duration

    /// Makes the user's changes to the phone that `update` names, which is made when it is new.
    ///
    /// - Throws: `APIError` 422 when a rule is broken.
    func save(_ update: PhoneUpdate, userID: UserID) async throws -> Phone {
        try update.validate(minimumExpiration: minimumExpiration)
        return try await upsert(number: update.phoneNumber, identity: .user(userID), change: update.apply)
    }

    /// Stores what `change` makes of the phone with `number`, which is made with defaults when it is new.
    ///
    /// A phone key that reports a number is bound to it in the same transaction (Q10), so that its next call is let in.
    func upsert(
        number: String, identity: Identity, change: @escaping @Sendable (inout Phone) -> Void
    ) async throws -> Phone {
        let id = PhoneID(at: clock.now())
        return try await store.write { [identities] tx in
            var phone =
                try PhoneQueries.find(number: number, userID: identity.userID, in: tx)
                ?? Phone(id: id, userID: identity.userID, phoneNumber: number, at: tx.now)
            let before = phone
            change(&phone)
            phone.updatedAt = tx.now
            if phone.fcmToken != before.fcmToken { phone.pushError = nil }
            try PhoneQueries.save(phone, in: tx)
            if phone.messageSendScheduleID != before.messageSendScheduleID {
                try Self.check(phone.messageSendScheduleID, of: identity.userID, in: tx)
            }
            if phone.messagesPerMinute != before.messagesPerMinute
                || phone.messageSendScheduleID != before.messageSendScheduleID
            {
                try MessagePlanner.replan(phone, in: tx)
            }
            if case .phone(_, let key, _) = identity {
                try PhoneAPIKeyQueries.bind(phone.id, to: key, in: tx)
                try identities.forgetAll(in: tx)
            }
            return phone
        }
    }

    /// - Throws: `APIError` 422 when the user has no such schedule.
    private static func check(_ schedule: String?, of userID: UserID, in tx: any Transaction) throws {
        guard let schedule else { return }
        let isKnown = try SendScheduleID(schedule).map {
            try SendScheduleQueries.find($0, userID: userID, in: tx) != nil
        }
        if isKnown ?? false { return }
        var errors = FieldErrors()
        errors.add(
            "message_send_schedule_id",
            "The message_send_schedule_id does not belong to the authenticated user or does not exist")
        try errors.check("validation errors while updating phones")
    }

    /// Deletes a phone, its binding, its presence and its number in webhooks; messages stay. False when there is none.
    func delete(_ id: PhoneID, userID: UserID) async throws -> Bool {
        try await store.write { [endpoints, identities] tx in
            guard let phone = try PhoneQueries.find(id, userID: userID, in: tx) else { return false }
            try PhoneQueries.delete(id, in: tx)
            try PhoneAPIKeyQueries.unbind(id, in: tx)
            try HeartbeatQueries.deletePresence(of: id, in: tx)
            try endpoints.removeOwner(phone.phoneNumber, userID: userID, in: tx)
            try identities.forgetAll(in: tx)
            return true
        }
    }
}
