import Crypto
import Foundation
import Timestamps
import Wire

/// What came to the phone, and the hooks that tell the server of it.
package struct SMSGateInbox: Sendable {
    /// An SMS that came in.
    package struct SMS: Hashable, Sendable {
        /// As the network gives it; a name for senders with letters.
        package var sender: String
        /// Its text.
        package var text: String
        /// By the service centre's clock: old for a delayed SMS, sometimes 1970.
        package var sentAt: Timestamp
        /// From 1; nil when Android does not say.
        package var sim: Int?
        /// The SIM's own number, if the app knows it.
        package var recipient: String?

        /// An SMS.
        package init(_ text: String, from sender: String, sentAt: Timestamp, sim: Int? = 1, recipient: String? = nil) {
            (self.text, self.sender, self.sentAt, self.sim, self.recipient) = (text, sender, sentAt, sim, recipient)
        }
    }

    /// A hook in the queue, whose body stays the same at all tries.
    package struct Hook: Sendable {
        /// Of the event, the same at all tries.
        package let id: String
        /// Where it is posted.
        package let url: String
        /// Such as `sms:received`.
        package let event: String
        /// JSON, made once.
        package let body: String
        /// Tries that did not succeed.
        package internal(set) var failures = 0
        /// When it is posted next, by the true time.
        package internal(set) var dueAt: Timestamp
    }

    /// Hooks that were not taken yet.
    package internal(set) var queue: [Hook] = []
    /// SMS that were passed on or dropped: they are never passed on again.
    var processed: Set<SMS> = []
    /// SMS that came while the app did not run.
    var unread: [SMS] = []
    /// All that is in the phone's inbox, for an export.
    var all: [SMS] = []

    var nextDue: Timestamp? { queue.map(\.dueAt).min() }
}

extension SMSGateApp {
    /// An SMS came. While the app does not run nobody takes it; later only some versions look into the inbox.
    mutating func take(_ sms: SMSGateInbox.SMS, at now: Timestamp, _ effects: inout [Effect]) {
        inbox.all.append(sms)
        if isRunning { process(sms, at: now, &effects) } else { inbox.unread.append(sms) }
    }

    /// At the start (rx/SmsContentObserver.kt:118-187).
    mutating func readInbox(at now: Timestamp, _ effects: inout [Effect]) {
        let unread = inbox.unread
        inbox.unread = []
        for sms in unread {
            if phone.version.readsInbox {
                process(sms, at: now, &effects)
            } else {
                effects.append(.note(.smsLost("it came while the app did not run")))
            }
        }
    }

    /// Reads the inbox for the server: what was processed is left out (rx/ReceiverService.kt:92).
    mutating func export(_ data: String, at now: Timestamp, _ effects: inout [Effect]) {
        guard let since = Self.member("since", of: data).flatMap({ phone.time.read($0) }),
            let until = Self.member("until", of: data).flatMap({ phone.time.read($0) })
        else { return }
        let found = inbox.all.filter { (since...max(since, until)).contains($0.sentAt) }.sorted {
            $0.sentAt < $1.sentAt
        }
        let known = inbox.processed
        for sms in found where phone.version.duplicateCheck == .none || !known.contains(trace(sms)) {
            process(sms, at: now, &effects)
        }
    }

    /// What a version compares.
    private func trace(_ sms: SMSGateInbox.SMS) -> SMSGateInbox.SMS {
        guard phone.version.duplicateCheck == .withoutTime else { return sms }
        var trace = sms
        trace.sentAt = Timestamp(microseconds: 0)
        return trace
    }

    /// Marks it as processed first, hooks or not (rx/ReceiverService.kt:92-114).
    private mutating func process(_ sms: SMSGateInbox.SMS, at now: Timestamp, _ effects: inout [Effect]) {
        let isNew = inbox.processed.insert(trace(sms)).inserted
        guard isNew || phone.version.duplicateCheck == .none else {
            return effects.append(.note(.smsLost("the app takes it for a repetition")))
        }
        guard webhooks.contains(where: { $0.event == "sms:received" }), registration != nil else {
            return effects.append(.note(.smsLost("the app has no webhook for it")))
        }
        let hasSender = phone.version.namesSender
        emit(
            "sms:received",
            .members([
                "message": .text(sms.text), "receivedAt": .text(phone.time.text(sms.sentAt)),
                "messageId": .text(Self.hash(sms)), "sender": hasSender ? .text(sms.sender) : nil,
                "recipient": hasSender ? sms.recipient.map { .text($0) } : nil,
                "simNumber": sms.sim.map { .number(Int64($0)) }, "phoneNumber": .text(sms.sender),
            ]), at: now)
    }

    /// 32 bits of the contents in hexadecimal digits (FNV-1a here): not unique.
    private static func hash(_ sms: SMSGateInbox.SMS) -> String {
        let bytes = "\(sms.sender)|\(sms.text)|\(sms.sentAt)|\(sms.sim ?? 0)".utf8
        return String(bytes.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }, radix: 16)
    }

    /// Queues an event for each hook that is listed for it, with an id of its own (wh/WebHooksService.kt:155-161).
    mutating func emit(_ event: String, _ payload: GsonValue, at now: Timestamp) {
        guard let device = registration?.id else { return }
        for webhook in webhooks where webhook.event == event {
            let id = nextID()
            let body = GsonValue.members([
                "id": .text(id), "webhookId": .text(webhook.id), "event": .text(event), "deviceId": .text(device),
                "payload": payload,
            ])
            inbox.queue.append(
                .init(id: id, url: webhook.url, event: event, body: body.json, dueAt: now))
        }
    }

    /// Whether none is on its way, and the network there that the next one needs.
    var mayPostHook: Bool { hookCall == nil && (isConnected || !settings.internetRequired) }

    /// Sends the hook that is due first, if none is on its way.
    mutating func postHook(at now: Timestamp, _ effects: inout [Effect]) {
        guard mayPostHook, let hook = inbox.queue.min(by: { $0.dueAt < $1.dueAt }), hook.dueAt <= now else { return }
        let call = nextCall()
        hookCall = (call, hook.id)
        effects.append(.call(call, hookRequest(hook, at: now)))
    }

    /// The signature is made for each try, over the body and the time by the phone's clock
    /// (wh/plugins/PayloadSingingPlugin.kt:17-38).
    func hookRequest(_ hook: SMSGateInbox.Hook, at now: Timestamp) -> SMSGateRequest {
        var headers = [
            SMSGateRequest.Header(name: "User-Agent", value: userAgent),
            .init(name: "Content-Type", value: "application/json"),
        ]
        if phone.version.signs {
            let time = "\(phoneTime(now).seconds)"
            headers.append(.init(name: "X-Timestamp", value: time))
            headers.append(
                .init(name: "X-Signature", value: Self.signature(of: hook.body + time, key: settings.signingKey)))
        }
        return SMSGateRequest(
            method: "POST", url: hook.url, headers: headers, body: hook.body, silence: .seconds(5), total: .seconds(30))
    }

    /// HMAC-SHA256 in lower-case hexadecimal digits.
    package static func signature(of text: String, key: String) -> String {
        HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: Data(key.utf8)))
            .hexadecimal
    }

    /// Takes a hook out of the queue, or puts it off; after its last try it is deleted.
    mutating func hookAnswered(_ id: String, _ answer: SMSGateAnswer?, at now: Timestamp, _ effects: inout [Effect]) {
        guard let index = inbox.queue.firstIndex(where: { $0.id == id }) else { return }
        let event = inbox.queue[index].event
        if answer?.isSuccess == true {
            inbox.queue.remove(at: index)
            return effects.append(.note(.passedOn(event: event)))
        }
        effects.append(.note(.failed(event, status: answer?.status)))
        inbox.queue[index].failures += 1
        let failures = inbox.queue[index].failures
        guard let wait = SMSGateRetry.hook(failures: failures, retries: settings.hookRetries) else {
            inbox.queue.remove(at: index)
            return effects.append(.note(.smsLost("\(event) was not taken \(failures) times")))
        }
        inbox.queue[index].dueAt = now + wait
    }

    /// The payload of `system:ping` (health/HealthService.kt).
    var health: GsonValue {
        func check(_ value: Int64, _ unit: String, _ description: String) -> GsonValue {
            .members([
                "status": .text("pass"), "observedValue": .number(value), "observedUnit": .text(unit),
                "description": .text(description),
            ])
        }
        return .members([
            "health": .members([
                "version": .text("\(phone.version)"), "releaseId": .number(1_489), "status": .text("pass"),
                "checks": .members([
                    "messages:failed": check(0, "messages", "Failed messages for last hour"),
                    "connection:status": check(1, "boolean", "Internet connection status"),
                    "connection:transport": check(4, "flags", "Network transport type"),
                    "connection:cellular": check(0, "index", "Cellular network type"),
                    "battery:level": check(87, "percent", "Battery level in percent"),
                    "battery:charging": check(5, "flags", "Is the phone charging?"),
                ]),
            ])
        ])
    }
}
