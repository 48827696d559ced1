import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// Notes signs of life of devices: any request that a device makes is one. An open stream is none, as it may be half dead.
///
/// A request costs a write once a minute and device; a heartbeat of each of its numbers is stored every five minutes, at each
/// ping, and whenever the number was not online.
struct DeviceLife: Sendable {
    let store: any Store
    let clock: any WallClock
    let heartbeats: HeartbeatOperations

    /// What a request of a device is.
    struct Sign: Sendable {
        /// What it tells of the device besides.
        var told = PhoneDeviceQueries.Told()
        /// Whether it is a `system:ping`, which always counts.
        var isPing = false

        /// Whether what it tells is news, so that it is stored at once. A battery is none.
        func isNews(of device: Device) -> Bool {
            if let version = told.appVersion, version != device.appVersion { return true }
            if let isRight = told.isSignatureRight, isRight != device.isSignatureRight { return true }
            return told.simCards != nil || told.usesFirebase != nil || told.clockError != nil
        }
    }

    /// What of a sign is stored.
    struct Due: Hashable, Sendable {
        let isSeen: Bool
        /// Numbers.
        let beats: [String]
    }

    /// Between two notes, and between two heartbeats of a number, as `phone.heartbeat.offline` comes after `offlineAfter`.
    static func intervals(offlineAfter: Duration) -> (seen: Duration, beat: Duration) {
        (min(.seconds(60), offlineAfter / 12), min(.seconds(300), offlineAfter / 12))
    }

    /// What is stored of a sign that is heard at `now`.
    static func due(_ device: Device, isPing: Bool, offlineAfter: Duration, at now: Timestamp) -> Due {
        let intervals = intervals(offlineAfter: offlineAfter)
        /// What is later than now is from before the clock was set back.
        func isOver(_ last: Timestamp?, _ interval: Duration) -> Bool {
            last.map { now - $0 >= interval || $0 > now } ?? true
        }
        return Due(
            isSeen: isOver(device.lastSeenAt, intervals.seen),
            beats: device.numbers.filter { number in
                isPing || number.isOnline != true || isOver(number.lastHeartbeatAt, intervals.beat)
            }.map(\.number))
    }

    /// Notes a sign of life of a device as it was read a moment ago.
    func note(_ sign: Sign, of device: Device) async throws {
        let now = clock.now()
        let due = Self.due(device, isPing: sign.isPing, offlineAfter: heartbeats.offlineAfter, at: now)
        guard due.isSeen || !due.beats.isEmpty || sign.isNews(of: device) else { return }
        let drawn = due.beats.map { ($0, ID<Heartbeat>(at: now), ID<Presence>(at: now), EventID(at: now)) }
        try await store.write(.user(device.userID)) { [heartbeats] tx in
            guard let device = try PhoneDeviceQueries.lock(device.id, in: tx) else { return }
            try PhoneDeviceQueries.note(sign.told, of: device.id, in: tx)
            try PhoneDeviceQueries.note(.seen, of: device.id, in: tx)
            if let last = device.lastSeenAt, tx.now - last > DeviceOffer.silence {
                try DeviceOfferQueries.askAll(of: device.id, silentSince: last, in: tx)
            }
            let version = (sign.told.appVersion ?? device.appVersion).map { "SMSGate \($0.text)" } ?? "SMSGate"
            for (number, id, monitorID, eventID) in drawn {
                let heartbeat = Heartbeat(
                    id: id, owner: number, version: version,
                    isCharging: sign.told.isCharging ?? device.isCharging ?? false, userID: device.userID,
                    timestamp: tx.now)
                try heartbeats.keep(heartbeat, monitorID: monitorID.text, eventID: eventID, in: tx)
            }
        }
    }
}
