import Crypto
import Foundation
import HTTPSMSWebhooks
import Timestamps
import Wire

/// What a device posts: one event, the same on each try, under an id of its own.
struct DeviceHook: Decodable, Sendable {
    let id: String
    let event: String
    let deviceID: String
    let payload: Payload?

    private enum CodingKeys: String, CodingKey {
        case id, event, payload
        case deviceID = "deviceid"
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        id = try members.decodeIfPresent(ToldText.self, forKey: .id)?.text ?? ""
        event = try members.decodeIfPresent(ToldText.self, forKey: .event)?.text ?? ""
        deviceID = try members.decodeIfPresent(ToldText.self, forKey: .deviceID)?.text ?? ""
        // Another shape of what is not an SMS is no reason to refuse a sign of life.
        payload =
            event.hasPrefix("sms:") || event.hasPrefix("mms:")
            ? try members.decodeIfPresent(Payload.self, forKey: .payload)
            : try? members.decodeIfPresent(Payload.self, forKey: .payload)
    }

    /// The payloads of all events: what is not of one is nil.
    struct Payload: Decodable, Sendable {
        let message: ToldText?
        let sender: ToldText?
        /// Also the sender: before 1.54.0 it has no other name.
        let phoneNumber: ToldText?
        let recipient: ToldText?
        let simNumber: ToldText?
        let receivedAt: ToldText?
        let body: ToldText?
        let subject: ToldText?
        let attachments: ToldList<File>?
        let health: Health?
        let simCards: ToldList<SIMCard>?

        private enum CodingKeys: String, CodingKey {
            case message, sender, recipient, body, subject, attachments, health
            case phoneNumber = "phonenumber"
            case simNumber = "simnumber"
            case receivedAt = "receivedat"
            case simCards = "simcards"
        }
    }

    /// A file of an MMS; before 1.68.0 without its bytes.
    struct File: Decodable, Sendable {
        /// Nil when its bytes are missing.
        let attachment: InboundAttachment?

        private enum Member: String, CodingKey {
            case name, data
            case contentType = "contenttype"
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Member.self)
            let data = try members.decodeIfPresent(ToldText.self, forKey: .data)
            guard data?.text != nil else {
                attachment = nil
                return
            }
            attachment = InboundAttachment(
                name: try members.decodeIfPresent(ToldText.self, forKey: .name),
                contentType: try members.decodeIfPresent(ToldText.self, forKey: .contentType), content: data)
        }
    }

    /// How the phone is.
    struct Health: Decodable, Sendable {
        private struct Check: Decodable, Sendable {
            private let observedValue: ToldText?

            /// Nil when it is not a number.
            var value: Int? { (observedValue?.text).flatMap(Double.init).flatMap { Int(exactly: $0.rounded()) } }

            private enum CodingKeys: String, CodingKey {
                case observedValue = "observedvalue"
            }
        }

        private struct Checks: Decodable, Sendable {
            let level: Check?
            let charging: Check?

            private enum CodingKeys: String, CodingKey {
                case level = "battery:level"
                case charging = "battery:charging"
            }
        }

        private let checks: Checks?

        /// Percent; nil when it is not told, or is none.
        var battery: Int? { (checks?.level?.value).flatMap { (0...100).contains($0) ? $0 : nil } }

        /// The first of several bits: the others say by what.
        var isCharging: Bool? { (checks?.charging?.value).map { $0 & 1 == 1 } }
    }

    /// Whether `signature` is that of the app: HMAC-SHA256 over the body as it came and the text of its time, in hexadecimal.
    static func isSigned(_ body: some Sequence<UInt8>, time: String, signature: String, key: String) -> Bool {
        var hmac = HMAC<SHA256>(key: SymmetricKey(data: Array(key.utf8)))
        hmac.update(data: Array(body))
        hmac.update(data: Array(time.utf8))
        return hmac.finalize().hexadecimal == signature.lowercased()
    }
}
