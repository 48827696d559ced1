import HTTPSMSWebhooks
import JSON

/// A CloudEvent that says beside its data which message it is about, as extension attributes: what routes events, such as a
/// broker or a function's trigger, reads these and not the data.
///
/// | attribute | what it holds |
/// |---|---|
/// | `messageid` | the message: `data.id` or `data.message_id` |
/// | `requestid` | what the sender called it: `data.request_id` |
/// | `owner`, `contact` | the phone and the other party |
/// | `alertid` | what an alert's beginning and end have in common |
/// | `deliveryid` | the delivery, as in `X-Httpsms-Delivery` |
///
/// Names are letters in lower case, 20 at most, and values text without control characters (CloudEvents 1.0.2, sections 3 and
/// "Type System"). What an event does not have is left out.
struct ExtendedEvent {
    private let bytes: [UInt8]
    private let attributes: [(name: String, value: String)]

    /// Reads `event`, which is stored as `bytes`.
    ///
    /// - Throws: `event` when its data cannot be read.
    init(_ event: CloudEvent, stored bytes: [UInt8], delivery: String?) throws(PayloadFault) {
        self.bytes = bytes
        let data = try EventFields(event).fields
        let member = { (name: String) in data.first { $0.name == name }?.value.texts.first }
        let all: [(String, String?)] = [
            ("messageid", event.payload.messageID), ("requestid", member("request_id")), ("owner", member("owner")),
            ("contact", member("contact")), ("alertid", member("alert_id")),
            ("deliveryid", delivery),
        ]
        attributes = all.compactMap { (name: String, value: String?) -> (String, String)? in
            let text = Self.allowed(value ?? "")
            return text.isEmpty ? nil : (name, text)
        }
    }

    /// The stored bytes with the attributes before the data.
    ///
    /// - Throws: `event` when they are not the JSON of an object.
    func encoded() throws(PayloadFault) -> [UInt8] {
        if attributes.isEmpty { return bytes }
        let place: Int?
        do {
            let members = try JSONScanner.members(of: bytes)
            place = members.first { $0.name.elementsEqual("\"data\"".utf8) }?.name.startIndex
        } catch {
            throw .event("\(error)")
        }
        var json = JSONWriter()
        json.object { o in
            for attribute in attributes { o.field(named: attribute.name, attribute.value) }
        }
        let comma = UInt8(ascii: ",")
        var written = Array(json.bytes.dropFirst().dropLast())
        // An event without data ends in the bracket.
        if place == nil { written.insert(comma, at: 0) } else { written.append(comma) }
        var event = bytes
        event.insert(contentsOf: written, at: place ?? bytes.count - 1)
        return event
    }

    private static func allowed(_ text: String) -> String {
        var view = String.UnicodeScalarView()
        view.append(
            contentsOf: text.unicodeScalars.filter {
                $0.properties.generalCategory != .control && !$0.properties.isNoncharacterCodePoint
            })
        return String(view)
    }
}
