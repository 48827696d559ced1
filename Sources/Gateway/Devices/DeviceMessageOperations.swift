import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What devices send: handing messages over to them, and what they report.
struct DeviceMessageOperations: Sendable {
    let store: any Store
    let clock: any WallClock

    /// `source` of the events that a report causes.
    static let source = Device.path + "/message"

    /// Gives a device what it has to send, first come first: what was handed out for its numbers, what it was given before and
    /// did not report, and what it is asked for. At most 100 of each.
    ///
    /// Each message is offered at every pull until it is reported, as an answer may be cut off after it was made here: the app
    /// knows what it has, and sends it once.
    ///
    /// - Returns: The offers, and the device as it is; nil when it was removed meanwhile.
    func pull(_ id: DeviceID, userID: UserID) async throws -> (device: Device, offers: [DeviceOffer])? {
        try await store.write(.user(userID)) { tx in
            guard let device = try PhoneDeviceQueries.lock(id, in: tx) else { return nil }
            try PhoneDeviceQueries.note(.pulled, of: id, in: tx)
            let owners = device.numbers.map(\.number)
            let again = try DeviceOfferQueries.again(id, owners: owners, limit: DeviceOffer.most, in: tx)
            let outstanding = try DeviceOfferQueries.outstanding(
                userID: device.userID, owners: owners, limit: DeviceOffer.most + 1, in: tx)
            var offers: [DeviceOffer] = []
            for message in again + outstanding.prefix(DeviceOffer.most) {
                guard let offer = try Self.offer(message, to: device, in: tx) else { continue }
                offers.append(offer)
            }
            let known = Set(offers.map(\.message.id))
            let questions = try DeviceOfferQueries.questions(
                for: id, owners: owners, limit: DeviceOffer.most, in: tx)
            offers += questions.filter { !known.contains($0.id) }.map {
                DeviceOffer(message: $0, validUntil: Self.longAgo)
            }
            // What is left over, or was handed out while this was read, is told: the app does not ask again by itself.
            if device.streamedAt != nil { PhoneDeviceQueries.wakeStreams(of: id, in: tx) }
            return (device, offers)
        }
    }

    /// Takes a message over for a device; nil when it moved meanwhile, or cannot be sent by one.
    private static func offer(_ message: Message, to device: Device, in tx: any Transaction) throws -> DeviceOffer? {
        if let reason = Device.refusal(isEncrypted: message.isEncrypted, attachments: message.attachments) {
            try MessageOperations.fail(message, because: reason, in: tx)
            return nil
        }
        var message = message
        if message.status != .sending {
            let fetched = try MessageQueries.fetch(
                message.id, userID: device.userID, numbers: device.numbers.map(\.number), in: tx)
            guard let fetched else { return nil }
            message = fetched
        }
        let number = device.numbers.first { $0.number == message.owner }
        let end = end(of: message, expiration: number?.messageExpiration ?? Phone.defaultExpiration, at: tx.now)
        // Until the phone's clock is known, it may be ahead by any amount.
        let until = device.clockError == nil ? max(end, tx.now + unknownClock) : end
        try DeviceOfferQueries.hold(message.id, by: device.id, until: until, in: tx)
        let validUntil = until - (device.clockError ?? .zero)
        return DeviceOffer(message: message, validUntil: validUntil)
    }

    /// When the last attempt that a message may have is over, and a minute more.
    static func end(of message: Message, expiration: Duration, at now: Timestamp) -> Timestamp {
        let attempts = min(max(message.maxSendAttempts.clampedSubtracting(message.sendAttemptCount), 0), 5)
        return now + min(expiration, Phone.longestExpiration) * (attempts + 1) + .seconds(60)
    }

    /// How long a phone may take whose clock is not known: none is wrong by more than a day when it can connect at all.
    static let unknownClock: Duration = .seconds(86_400)

    /// Where a question ends: before the time that any phone's clock shows.
    private static let longAgo = Timestamp(seconds: 0)

    /// Applies what a device reports, each in its order. What is not its own, or is not known, changes nothing.
    func report(_ reports: [DeviceReport], by device: Device) async throws {
        var rest = reports[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.batch)
            let now = clock.now()
            // In order: sent comes before delivered, also where both are of one millisecond.
            let drawn = part.map { ($0, (0..<2).map { _ in EventID(at: now) }.sorted()) }
            let applied = try await store.write(.user(device.userID)) { tx in
                guard let device = try PhoneDeviceQueries.lock(device.id, in: tx) else { return part.count }
                try Self.learnClock(from: part, of: device, in: tx)
                var (count, bytes) = (0, 0)
                for (report, ids) in drawn where bytes < MessageOperations.batchBytes {
                    bytes += try Self.apply(report, by: device, ids: ids, in: tx)
                    count += 1
                }
                return count
            }
            rest = rest.dropFirst(applied)
        }
    }

    /// Applies one report.
    ///
    /// - Returns: Bytes of text that webhooks were told, and their filters looked at.
    private static func apply(
        _ report: DeviceReport, by device: Device, ids: [EventID], in tx: any Transaction
    ) throws -> Int {
        guard let id = MessageID(report.id) else { return 0 }
        // Also what it was given before another app took its number: it may have been sent.
        let isHeld = try DeviceOfferQueries.isHeld(id, by: device.id, in: tx)
        try DeviceOfferQueries.note(report.outcome, of: id, by: device.id, in: tx)
        guard var message = try MessageQueries.find(id, userID: device.userID, in: tx),
            isHeld || device.numbers.contains(where: { $0.number == message.owner })
        else { return 0 }
        var bytes = 0
        for (step, eventID) in zip(report.steps(from: message.status), ids) {
            message = try MessageOperations.apply(
                step.report, to: message, at: step.time, id: eventID, source: source, in: tx)
            bytes += message.content.utf8.count
        }
        return bytes
    }

    /// Takes the newest time of a first report for the phone's: until it posts something, nothing else tells.
    ///
    /// A report may be hours old, when it could not be sent or tells again of a message that is long known; then a right clock
    /// would look late, and all that is sent would be too late for the phone. What was given within the last minute, and never
    /// before, is reported as new.
    private static func learnClock(
        from reports: ArraySlice<DeviceReport>, of device: Device, in tx: any Transaction
    ) throws {
        if device.clockError != nil { return }
        let new = try DeviceOfferQueries.new(
            reports.compactMap { MessageID($0.id) }, of: device.id, since: tx.now - .seconds(60), in: tx)
        let times = reports.filter { report in MessageID(report.id).map(new.contains) == true }.flatMap(\.times.values)
        guard let newest = times.compactMap(\.time).max(), isPossible(tx.now - newest) else { return }
        try PhoneDeviceQueries.note(.init(clockError: tx.now - newest), of: device.id, in: tx)
    }

    /// Whether a phone's clock can be wrong by so much: what is further off is no clock's, and would end every offer before it is
    /// made.
    static func isPossible(_ error: Duration) -> Bool { (.zero - unknownClock...unknownClock).contains(error) }

    /// Reports in one transaction, which ends before that when it told 64 KiB of texts; the app sends one at a time.
    private static let batch = 50
}

extension Device {
    /// Why a message cannot be sent by a device; nil when it can.
    static func refusal(isEncrypted: Bool, attachments: [String]) -> String? {
        if isEncrypted { return "The SMSGate app cannot send messages that are encrypted for the httpSMS app." }
        if !attachments.isEmpty { return "The SMSGate app cannot send attachments." }
        return nil
    }
}
