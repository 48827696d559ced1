import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What can be done with heartbeats, and what follows from their absence.
struct HeartbeatOperations: Sendable {
    let store: any Store
    let clock: any WallClock
    /// Says whether the time of day was set.
    let clocks: ClockGuard
    /// A phone that is silent for so long is offline; 1 hour by the public documentation.
    let offlineAfter: Duration
    /// The services that take pushes of the server.
    let pushes: Set<PushKind>

    /// `source` of both events.
    private static let source = "/v1/heartbeats"

    /// Stores one heartbeat for each of `owners`, all or none; a phone that was offline is online again.
    func store(
        owners: [String], isCharging: Bool, version: String, userID: UserID, receipt: Receipt<[Heartbeat]>
    ) async throws -> [Heartbeat] {
        let now = clock.now()
        let drawn = owners.map { ($0, ID<Heartbeat>(at: now), ID<Presence>(at: now), EventID(at: now)) }
        return try await store.write(for: userID) { [self] tx in
            try receipt.keep(in: tx) {
                try drawn.map { owner, id, monitorID, eventID in
                    let heartbeat = Heartbeat(
                        id: id, owner: owner, version: version, isCharging: isCharging, userID: userID,
                        timestamp: tx.now)
                    try keep(heartbeat, monitorID: monitorID.text, eventID: eventID, in: tx)
                    return heartbeat
                }
            }
        }
    }

    /// Stores one heartbeat; its phone, if there is one, is online from now on.
    ///
    /// `monitorID` is the phone's monitor, should this be its first heartbeat; `eventID` tells that it is online again, should
    /// it have been offline.
    func keep(_ heartbeat: Heartbeat, monitorID: String, eventID: EventID, in tx: any Transaction) throws {
        try HeartbeatQueries.insert(heartbeat, in: tx)
        guard let phone = try PhoneQueries.find(number: heartbeat.owner, userID: heartbeat.userID, in: tx) else {
            return
        }
        try heard(phone, monitorID: monitorID, eventID: eventID, in: tx)
        // Only a push can wake a phone.
        if !pushes.isEmpty, phone.deviceID == nil {
            try HeartbeatQueries.wake(phone.id, at: tx.now + Self.wakeUpAfter, in: tx)
            try PushQueries.repeatOutstanding(of: phone, in: tx)
        }
    }

    private func heard(_ phone: Phone, monitorID: String, eventID: EventID, in tx: any Transaction) throws {
        guard let presence = try HeartbeatQueries.presence(of: phone.id, in: tx) else {
            try HeartbeatQueries.insert(
                Presence(
                    phoneID: phone.id, userID: phone.userID, owner: phone.phoneNumber, monitorID: monitorID,
                    lastHeartbeatAt: tx.now, isOnline: true),
                checkAt: tx.now + offlineAfter, in: tx)
            return tx.wake(.presence)
        }
        if presence.isOnline { return try HeartbeatQueries.heard(phone.id, in: tx) }
        guard try HeartbeatQueries.cameOnline(phone.id, checkAt: tx.now + offlineAfter, in: tx) else { return }
        try emit(.heartbeatOnline, of: presence, lastHeartbeatAt: tx.now, id: eventID, in: tx)
        tx.wake(.presence)
    }

    /// One transaction of the presence sweep: checks at most 200 phones.
    ///
    /// No phone goes offline before `notBefore`: after a time in which the server itself was away, phones get a while to
    /// be heard. By how much the clock was set forward, nobody was silent.
    /// A phone whose row cannot be read is passed over and looked at again in an hour.
    func checkPresence(
        notBefore: ContinuousClock.Instant?, unreadable: UnreadableRows, in tx: any Transaction
    ) throws -> Sweep.Outcome {
        if let notBefore, clock.boot() < notBefore {
            return Sweep.Outcome(mayHaveMore: false, nextDue: tx.now + clock.boot().duration(to: notBefore))
        }
        let now = tx.now - clocks.lead(within: offlineAfter)
        let due = try HeartbeatQueries.due(limit: Self.batch, at: now, in: tx)
        try tx.each(due) { row in
            let presence = try Presence(row: row)
            let offlineAt = presence.lastHeartbeatAt + offlineAfter
            if presence.lastHeartbeatAt > tx.now {
                // Heard before the clock was set back.
                try HeartbeatQueries.heard(presence.phoneID, in: tx)
                try HeartbeatQueries.check(presence.phoneID, at: tx.now + offlineAfter, in: tx)
            } else if offlineAt > now {
                try HeartbeatQueries.check(presence.phoneID, at: offlineAt, in: tx)
            } else if try HeartbeatQueries.wentOffline(presence, in: tx) {
                try emit(
                    .heartbeatOffline, of: presence, lastHeartbeatAt: presence.lastHeartbeatAt,
                    id: EventID(at: tx.now), in: tx)
            }
        } passOver: { row, error in
            let id: PhoneID = try row.get("phone_id")
            try HeartbeatQueries.check(id, at: tx.now + UnreadableRows.pause, in: tx)
            unreadable.note("presence", id.text, error, in: tx)
        }
        return Sweep.Outcome(mayHaveMore: due.count == Self.batch, nextDue: try HeartbeatQueries.nextCheck(in: tx))
    }

    /// One transaction of the wake-up sweep: pushes once to at most 200 phones that missed their heartbeat.
    func wakeSilent(unreadable: UnreadableRows, in tx: any Transaction) throws -> Sweep.Outcome {
        let now = tx.now - clocks.lead(within: Self.wakeUpAfter)
        let phones = try HeartbeatQueries.toWake(limit: Self.batch, at: now, in: tx)
        try tx.each(phones) { id in
            try HeartbeatQueries.wake(id, at: nil, in: tx)
            guard let phone = try PhoneQueries.find(id, in: tx), phone.isPushed(by: pushes) else { return }
            try PushQueries.insert(.heartbeat(to: phone, at: tx.now), in: tx)
        } passOver: { id, error in
            try HeartbeatQueries.wake(id, at: tx.now + UnreadableRows.pause, in: tx)
            unreadable.note("phone", id.text, error, in: tx)
        }
        return Sweep.Outcome(
            mayHaveMore: phones.count == Self.batch, nextDue: try HeartbeatQueries.nextWakeUp(in: tx))
    }

    /// Until when phones are not called offline after this start: a quarter of `offlineAfter` from now when the server was
    /// away for longer than that since `lastAlive`, else nil.
    func grace(since lastAlive: Timestamp?) -> ContinuousClock.Instant? {
        let (now, grace) = (clock.instants(), offlineAfter / 4)
        return lastAlive.flatMap { now.wall - $0 > grace ? now.boot + grace : nil }
    }

    private func emit(
        _ type: EventType, of presence: Presence, lastHeartbeatAt: Timestamp, id: EventID, in tx: any Transaction
    ) throws {
        let heartbeat = PhoneHeartbeat(
            phoneID: presence.phoneID.text, userID: presence.userID.text, lastHeartbeatTimestamp: lastHeartbeatAt,
            timestamp: tx.now, monitorID: presence.monitorID, owner: presence.owner)
        try tx.emit(
            OutgoingEvent(
                id: id, userID: presence.userID, owner: presence.owner, source: Self.source,
                payload: type == .heartbeatOnline ? .heartbeatOnline(heartbeat) : .heartbeatOffline(heartbeat)))
    }

    /// 16 minutes: a phone beats every 15.
    static let wakeUpAfter: Duration = .seconds(960)

    /// Phones in one transaction of the sweep.
    private static let batch = 200
}
