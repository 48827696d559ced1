import Foundation
import Timestamps

/// What the modem posts.
struct ModemEvent: Sendable {
    /// The same on each try.
    let id: String
    let kind: Kind

    enum Kind: Sendable {
        case received(SMSBackup, at: Timestamp)
        case missedCall(from: String, at: Timestamp)
        case ping
    }

    /// JSON, the same on each try.
    func body(of device: String) throws -> [UInt8] {
        struct Body: Encodable {
            let id: String
            let webhookId: String
            let event: String
            let deviceId: String
            let payload: Payload
        }
        struct Health: Encodable {
            let status: String
            let checks: [String: String]
        }
        struct Payload: Encodable {
            var message: String?
            var sender: String?
            var phoneNumber: String?
            var receivedAt: String?
            var health: Health?
        }
        var payload = Payload()
        let event: String
        switch kind {
        case .received(let sms, let time):
            event = "sms:received"
            payload.message = sms.text
            (payload.sender, payload.phoneNumber) = (sms.number, sms.number)
            payload.receivedAt = time.rfc3339
        case .missedCall(let number, let time):
            event = "call:missed"
            (payload.sender, payload.phoneNumber) = (number, number)
            payload.receivedAt = time.rfc3339
        case .ping:
            event = "system:ping"
            payload.health = Health(status: "pass", checks: [:])
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(
            try encoder.encode(Body(id: id, webhookId: event, event: event, deviceId: device, payload: payload)))
    }
}
