import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What can be done with phones.
package struct PhoneOperations: Sendable {
    /// Where phones are.
    package let store: any Store
    let endpoints: EndpointQueries
    let identities: Identities
    let uses: PhoneKeyUses
    let quotas: Quotas
    /// What tells the time.
    package let clock: any WallClock
    /// The shortest expiration a phone may ask for; 60 s in httpSMS.
    package let minimumExpiration: Duration
    /// The services that take pushes of the server.
    let pushes: Set<PushKind>

    /// Makes the user's changes to the phone that `update` names, which is made when it is new.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func save(_ update: PhoneUpdate, userID: UserID) async throws -> Phone {
        try update.validate(minimumExpiration: minimumExpiration)
        return try await upsert(
            number: update.phoneNumber, identity: .user(userID), schedule: update.schedule, change: update.apply)
    }

    /// Makes the phone with `number`, or gives the one that the account has the token of a logged-in httpSMS app.
    ///
    /// - Throws: ``Refusal`` `.quota` when the account may have no more.
    package func add(_ number: String, fcmToken: String, to userID: UserID) async throws {
        _ = try await upsert(number: number, identity: .user(userID)) { $0.fcmToken = fcmToken }
    }

    /// Stores what `change` makes of the phone with `number`, which is made with defaults when it is new.
    ///
    /// A phone key that reports a number is bound to it in the same transaction, so that its next call is let in.
    ///
    /// - Parameters:
    ///   - number: The phone's.
    ///   - identity: Who changes it.
    ///   - schedule: The id of the schedule that `change` sets, if any.
    ///   - change: What is changed; it may run twice.
    /// - Returns: The phone as it is then.
    /// - Throws: ``Refusal`` `.conflict` when another key holds the number and this one may not take it: nothing
    ///   changes then.
    func upsert(
        number: String, identity: Identity, schedule: String? = nil, change: @escaping @Sendable (inout Phone) -> Void
    ) async throws -> Phone {
        do {
            return try await upsertOnce(number: number, identity: identity, schedule: schedule, change: change)
        } catch StorageError.uniqueViolation {
            // Another request made it meanwhile, and now it is there.
            return try await upsertOnce(number: number, identity: identity, schedule: schedule, change: change)
        }
    }

    private func upsertOnce(
        number: String, identity: Identity, schedule: String?, change: @escaping @Sendable (inout Phone) -> Void
    ) async throws -> Phone {
        let id = PhoneID(at: clock.now())
        return try await store.write(for: identity.userID) { [identities, uses, quotas, pushes] tx in
            // Before the phone, as by those who change the schedule; it stays as it is until the phone keeps it.
            let isKnown = try schedule.flatMap(SendScheduleID.init).map {
                try SendScheduleQueries.lock($0, userID: identity.userID, in: tx)
            }
            var phone = try Self.findOrMake(
                number: number, as: id, userID: identity.userID, quotas: quotas, in: tx)
            let before = phone
            change(&phone)
            phone.updatedAt = tx.now
            if phone.fcmToken != before.fcmToken { phone.pushError = nil }
            // The httpSMS app has logged in: what was a device's is its now.
            if phone.fcmToken != nil { phone.deviceID = nil }
            try PhoneQueries.save(phone, in: tx)
            if !before.isPushed(by: pushes), phone.isPushed(by: pushes) {
                try PushQueries.pushOutstanding(of: phone, in: tx)
            }
            if let new = phone.messageSendScheduleID, new != before.messageSendScheduleID, isKnown != true {
                throw Self.unknownSchedule
            }
            if phone.messagesPerMinute != before.messagesPerMinute
                || phone.messageSendScheduleID != before.messageSendScheduleID
            {
                try MessagePlanner.replan(phone, in: tx)
            }
            if case .phone(let userID, let key, _) = identity {
                try Self.bind(phone, to: key, userID: userID, uses: uses, in: tx)
                try identities.forgetAll(in: tx)
            }
            return phone
        }
    }

    /// The phone with `number`, locked; where there is none, a new one with defaults, which is not stored yet.
    ///
    /// - Throws: ``Refusal`` `.quota` when there is none and the account may not have more.
    static func findOrMake(
        number: String, as id: PhoneID, userID: UserID, quotas: Quotas, in tx: any Transaction
    ) throws -> Phone {
        if let known = try PhoneQueries.find(number: number, userID: userID, in: tx) { return known }
        try quotas.require(roomFor: .phones, userID: userID, in: tx) {
            try PhoneQueries.count(userID: userID, in: tx)
        }
        return Phone(id: id, userID: userID, phoneNumber: number, at: tx.now)
    }

    /// Binds a phone to `key`, which takes it from another key where it may.
    private static func bind(
        _ phone: Phone, to key: PhoneAPIKeyID, userID: UserID, uses: PhoneKeyUses, in tx: any Transaction
    ) throws {
        // What is remembered of a key may be older than its deletion.
        guard let claimant = try PhoneAPIKeyQueries.claimant(key, userID: userID, in: tx) else {
            throw Refusal.unauthenticated
        }
        let holder = try PhoneAPIKeyQueries.holder(of: phone.id, in: tx)
        if holder != key { try requireRoom(of: key, in: tx) }
        if let holder, holder != key, let other = try PhoneAPIKeyQueries.holding(holder, in: tx) {
            let right = PhoneMove.right(
                of: claimant, consentUntil: phone.moveAllowedUntil,
                follows: try PhoneMoveQueries.follows(key, from: holder, userID: userID, in: tx),
                isSilent: uses.isSilent(other), at: tx.now)
            guard let right else { throw PhoneMove.refusal(of: phone.phoneNumber) }
            try PhoneMoveQueries.insert(
                phone.phoneNumber, from: other, to: claimant, right: right, userID: userID, in: tx)
        }
        try PhoneAPIKeyQueries.bind(phone.id, to: key, in: tx)
    }

    /// A phone has two SIM cards, and cards are changed; a key that goes on binding numbers is no phone's.
    private static func requireRoom(of key: PhoneAPIKeyID, in tx: any Transaction) throws {
        guard try PhoneAPIKeyQueries.phones(of: key, in: tx).count >= maximumNumbers else { return }
        throw Refusal(
            .conflict,
            """
            This phone API key holds \(maximumNumbers) phone numbers already, which is the most that one phone can have. \
            Remove numbers from it in the dashboard under Phone API keys.
            """)
    }

    /// Numbers of one key.
    private static let maximumNumbers = 20

    /// Lets any key of the account take the phone's number within 15 minutes. False when the user has no such phone.
    package func allowMove(of id: PhoneID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in
            guard let phone = try PhoneQueries.find(id, userID: userID, in: tx) else { return false }
            try PhoneMoveQueries.allow(
                phone.phoneNumber, userID: userID, until: tx.now + PhoneMove.consentLifetime, in: tx)
            return true
        }
    }

    /// 422: the account has no such schedule.
    private static var unknownSchedule: Refusal {
        var errors = FieldErrors()
        errors.add(
            "message_send_schedule_id",
            "The message_send_schedule_id does not belong to the authenticated user or does not exist")
        return Refusal(.invalid, "validation errors while updating phones", problems: errors.messages)
    }

    /// Deletes a phone, its binding, its presence and its number in webhooks; messages stay. False when there is none.
    package func delete(_ id: PhoneID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { [endpoints, identities] tx in
            guard let phone = try PhoneQueries.find(id, userID: userID, in: tx) else { return false }
            try PhoneQueries.delete(id, in: tx)
            try MessageQueries.leaveQueue(of: phone, in: tx)
            try PhoneAPIKeyQueries.unbind(id, in: tx)
            try PhoneMoveQueries.delete(of: phone.phoneNumber, userID: userID, in: tx)
            try HeartbeatQueries.deletePresence(of: id, in: tx)
            try endpoints.removeOwner(phone.phoneNumber, userID: userID, in: tx)
            try identities.forgetAll(in: tx)
            return true
        }
    }
}
