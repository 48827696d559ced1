import Foundation
import Timestamps

/// Messages from the server to the radio, and what became of them (modules/messages).
extension SMSGateApp {
    /// A member of the answer of `GET /message` (gw/GatewayApi.kt:190-214).
    private struct Offer: Decodable {
        let id: String
        let textMessage: Text?
        let message: String?
        let phoneNumbers: [String]
        let simNumber: Int?
        let withDeliveryReport: Bool?
        let validUntil: String?
        let priority: Int8?
        let state: String?
        let createdAt: String?

        struct Text: Decodable {
            let text: String
        }
    }

    /// Takes the answer of a pull; one bad member spoils the whole of it.
    mutating func takeMessages(_ answer: SMSGateAnswer, at now: Timestamp, _ effects: inout [Effect]) -> Bool {
        guard let offers = try? JSONDecoder().decode([Offer].self, from: Data(answer.body)),
            offers.allSatisfy({ readable($0.validUntil) && readable($0.createdAt) })
        else {
            effects.append(.note(.unreadable("messages")))
            return false
        }
        effects.append(.note(.pulled(count: offers.count)))
        for offer in offers { take(offer, at: now, &effects) }
        return true
    }

    private func readable(_ time: String?) -> Bool { time.map { phone.time.read($0) != nil } ?? true }

    /// A known id is never sent again: its state is reported once more (GatewayService.kt:276-280).
    private mutating func take(_ offer: Offer, at now: Timestamp, _ effects: inout [Effect]) {
        if phone.version.cancels, let state = offer.state, state != "Pending" {
            if state == "Cancelling" { cancel(offer.id, at: now, &effects) }
            return
        }
        if messages.known[offer.id] != nil { return enqueue(.report(offer.id), at: now, &effects) }
        // Without a text the app throws for this one alone, logs it and goes on.
        guard let text = offer.textMessage?.text ?? offer.message, let number = offer.phoneNumbers.first else { return }
        let time = phoneTime(now)
        messages.add(
            SMSGateMessages.Message(
                id: offer.id, to: number, text: text, sim: offer.simNumber,
                wantsReport: offer.withDeliveryReport ?? true,
                validUntil: offer.validUntil.flatMap { phone.time.read($0) },
                createdAt: offer.createdAt.flatMap { phone.time.read($0) } ?? time,
                priority: Int(offer.priority ?? 0), states: [.init(state: .pending, time: time)]))
    }

    /// Sends what waits, as far as the pause between two SMS allows (MessagesService.kt sendPendingMessages).
    mutating func sendPending(at now: Timestamp, _ effects: inout [Effect]) {
        while let message = messages.next(settings.order, pause: phone.sendInterval, at: now) {
            let number = message.to.filter { ($0.isASCII && $0.isNumber) || "+*#".contains($0) }
            if let error = obstacle(to: message, number: number, at: phoneTime(now)) {
                change(message.id, at: now, &effects) { $0.become(.failed, error: error, at: $1) }
                continue
            }
            effects.append(
                .radio(
                    .init(
                        id: message.id, to: number, text: message.text, sim: message.sim,
                        wantsReport: message.wantsReport)))
            change(message.id, at: now, &effects) { $0.become(.processed, at: $1) }
        }
    }

    /// Why a message cannot be sent to `number`; nil when it can.
    private func obstacle(to message: SMSGateMessages.Message, number: String, at time: Timestamp) -> String? {
        if let limit = message.validUntil, limit < time { return "TTL expired" }
        if let sim = message.sim, !phone.sims.contains(where: { $0.number == sim }) {
            return "Can't send message: SIM \(sim) not found"
        }
        return number.isEmpty ? "sendSMS: Invalid destinationAddress" : nil
    }

    /// Changes a message, and has that reported, even when nothing changed.
    mutating func change(
        _ id: String, at now: Timestamp, _ effects: inout [Effect],
        _ change: (inout SMSGateMessages.Message, Timestamp) -> Void
    ) {
        guard var message = messages.known[id] else { return }
        change(&message, phoneTime(now))
        messages.known[id] = message
        enqueue(.report(id), at: now, &effects)
    }

    /// Only what is still `Pending` can be cancelled (MessagesService.kt:94-123).
    mutating func cancel(_ id: String, at now: Timestamp, _ effects: inout [Effect]) {
        guard messages.known[id]?.state == .pending else { return }
        change(id, at: now, &effects) { $0.become(.cancelled, at: $1) }
    }

    mutating func reported(_ id: String, _ effects: inout [Effect]) -> Bool {
        if let state = messages.known[id]?.state { effects.append(.note(.reported(id: id, state: state))) }
        return true
    }
}
