import Delivery
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Secrets
import Storage
import Synchronization
import Timestamps
import Wire

/// `POST /inbound/{token}`: what devices receive. The token alone authenticates, as the app can carry nothing else.
///
/// A post that is refused is tried again for 45 hours and then forgotten, with the SMS. So nothing is refused but what no
/// try can change: a wrong token, another device, and a body that is not JSON.
struct DeviceInboundRoutes: Sendable {
    let store: any Store
    let clock: any WallClock
    let queries: PhoneDeviceQueries
    let inbound: InboundOperations
    let life: DeviceLife
    let refusals: DeviceHookRefusals

    /// `source` of the events that an SMS causes.
    static let source = Device.path + "/inbound"

    /// 3 MiB of files are 4 MiB in base64; an MMS that has more keeps its text.
    private static let limit = 16 << 20

    @Sendable func receive(_ request: Request, _ context: APIContext) async throws -> Response {
        let token = context.parameters.get("token") ?? ""
        guard token.utf8.count <= 512 else { throw Self.unknown }
        let hash = SHA256Digest.bytes(token.lowercased())
        let found = try await store.read(.request) { tx in try PhoneDeviceQueries.find(inboundHash: hash, in: tx) }
        guard let device = found else { throw Self.unknown }
        let buffer = try await request.body.collect(upTo: Self.limit)
        let hook: DeviceHook
        do {
            hook = try await read(buffer, of: device, context)
        } catch let refusal as Refusal {
            refusals.note(device.id, logger: context.logger)
            throw refusal
        }
        guard DeviceID(hook.deviceID) == device.id else { throw Self.unknown }
        try await note(hook, of: device, by: request, buffer)
        try await take(hook, of: device, context.origin)
        return Response.mobile(.ok) { _ in }
    }

    private static let unknown = Refusal(.absent, "This address belongs to no device.")

    private func read(_ buffer: ByteBuffer, of device: Device, _ context: APIContext) async throws -> DeviceHook {
        try await context.uploads.reading(buffer, of: device.userID) {
            try Request.decodedLeniently(buffer, freeText: "message", besides: [])
        }
    }

    /// Notes what a post tells of its device: its clock, whether it signs with our key, and that it lives.
    ///
    /// A wrong signature is no reason to refuse: until the phone has fetched its settings it signs with a key of its own.
    private func note(
        _ hook: DeviceHook, of device: Device, by request: Request, _ buffer: ByteBuffer
    ) async throws {
        var sign = DeviceLife.Sign()
        sign.told.appVersion = AppVersion(userAgent: request.headers[.userAgent])
        let time = request.headers[.deviceTimestamp] ?? ""
        if let seconds = Int64(time) {
            let error = clock.now() - Timestamp(seconds: seconds)
            let known = device.clockError
            // Within two seconds it is the way here.
            let isKnown = known.map { abs(($0 - error).milliseconds) <= 2_000 } ?? false
            if !isKnown, DeviceMessageOperations.isPossible(error) { sign.told.clockError = error }
        }
        if let signature = request.headers[.deviceSignature] {
            let key = try queries.signingKey(of: device)
            sign.told.isSignatureRight = DeviceHook.isSigned(
                buffer.readableBytesView, time: time, signature: signature, key: key)
        }
        if hook.event == DeviceLists.Event.ping.rawValue {
            sign.isPing = true
            sign.told.battery = hook.payload?.health?.battery
            sign.told.isCharging = hook.payload?.health?.isCharging
        }
        if hook.event == DeviceLists.Event.started.rawValue, let cards = hook.payload?.simCards?.elements {
            sign.told.simCards = SIMCard.list(cards.compactMap(\.self))
        }
        try await life.note(sign, of: device)
    }

    /// Stores the SMS of a post. What is not an SMS, and what this version does not know, is accepted and left alone.
    private func take(_ hook: DeviceHook, of device: Device, _ origin: RequestOrigin) async throws {
        guard let event = DeviceLists.Event(rawValue: hook.event), let payload = hook.payload else { return }
        switch event {
        case .ping, .started: return
        case .missedCall: try await missCall(payload, of: device)
        case .received: try await store(payload, text: payload.message?.text ?? "", of: hook, device, origin)
        case .mmsReceived:
            try await store(
                payload, text: payload.subject?.text ?? "", of: hook, device, origin,
                note: "MMS, not downloaded by the phone")
        case .mmsDownloaded:
            let parts = [payload.subject?.text, payload.body?.text].compactMap(\.self).filter { !$0.isEmpty }
            try await store(payload, text: parts.joined(separator: "\n"), of: hook, device, origin)
        }
    }

    private func store(
        _ payload: DeviceHook.Payload, text: String, of hook: DeviceHook, _ device: Device, _ origin: RequestOrigin,
        note: String? = nil
    ) async throws {
        var notes = ReportNotes()
        if let note { notes.add(note) }
        let slot = payload.simNumber?.text.flatMap { Int($0) }
        let number = Self.number(of: device, slot: slot, recipient: payload.recipient?.text)
        guard let number else { throw Self.unbound }
        if let slot, slot != number.slot {
            notes.add("the phone received it on SIM \(slot), which has no number here")
        }
        let contact = notes.contact(payload.sender?.text ?? payload.phoneNumber?.text, owner: number.number)
        let files = payload.attachments?.elements ?? []
        let attachments = files.compactMap { $0?.attachment }
        if attachments.count < files.count {
            notes.add("\(files.count - attachments.count) attachments are left on the phone")
        }
        if text.isEmpty, files.isEmpty, note == nil { notes.add("the SMS has no text") }
        notes.look(at: text + contact)
        let sms = InboundOperations.SMS(
            owner: number.number, contact: contact, content: text, isEncrypted: false, sim: number.sim,
            timestamp: PhoneTime(payload.receivedAt), attachments: attachments, notes: notes,
            reportID: hook.id.isEmpty ? nil : ["smsgate", device.id.text, hook.id])
        _ = try await inbound.receive(
            sms, userID: device.userID, source: Self.source, origin: origin, receipt: .unkept)
    }

    private func missCall(_ payload: DeviceHook.Payload, of device: Device) async throws {
        let slot = payload.simNumber?.text.flatMap { Int($0) }
        guard let number = Self.number(of: device, slot: slot, recipient: payload.recipient?.text) else {
            throw Self.unbound
        }
        var notes = ReportNotes()
        let contact = notes.contact(payload.sender?.text ?? payload.phoneNumber?.text, owner: number.number)
        notes.look(at: contact)
        let call = InboundOperations.Call(
            owner: number.number, contact: contact, sim: number.sim, timestamp: PhoneTime(payload.receivedAt),
            notes: notes)
        _ = try await inbound.missCall(call, userID: device.userID, source: Self.source, receipt: .unkept)
    }

    /// The phone keeps it until its number is connected again.
    private static let unbound = Refusal(.unavailable, "This device has no number. Connect it again.")

    /// The number that an SMS came to: that of its SIM card, else the only one, else the one it was sent to, else the first.
    static func number(of device: Device, slot: Int?, recipient: String?) -> Device.Binding? {
        if let slot, let exact = device.numbers.first(where: { $0.slot == slot }) { return exact }
        if device.numbers.count > 1, slot == nil, let recipient {
            let address = PhoneNumber.address(recipient)
            if let named = device.numbers.first(where: { $0.number == address }) { return named }
        }
        return device.numbers.first
    }
}

/// Posts of devices that are not JSON, told in the log: an app sends each again 15 times.
final class DeviceHookRefusals: Sendable {
    private let log = Mutex(RefusalLog())

    func note(_ device: DeviceID, at now: ContinuousClock.Instant = .now, logger: Logger) {
        guard let silent = log.withLock({ $0.note(device.text, at: now) }) else { return }
        logger.warning(
            "post of a device is no JSON",
            metadata: ["device_id": "\(device)", "not_logged_before": "\(silent)"])
    }
}
