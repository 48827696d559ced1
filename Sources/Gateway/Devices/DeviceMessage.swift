import HTTPSMSWebhooks
import Storage
import Timestamps

/// A message as the app reads it. One that it cannot read makes it drop the whole list, so nothing here depends on what a
/// client sent but text in its place.
struct DeviceMessage: JSONWritable {
    let offer: DeviceOffer
    /// Nil leaves the choice to the phone, which has one number.
    let slot: Int?

    init(_ offer: DeviceOffer, to device: Device) {
        self.offer = offer
        let slot = device.numbers.first { $0.number == offer.message.owner }?.slot
        // To name a SIM card takes a permission that the app may not have.
        let isOnly = device.numbers.count == 1 && slot == 1 && device.simCardCount <= 1
        self.slot = isOnly ? nil : slot
    }

    func write(to json: inout JSONWriter) {
        let message = offer.message
        json.object { o in
            o.field("id", message.id.text)
            o.object("textMessage") { o in o.field("text", message.content) }
            // As apps before 1.39.0 read it.
            o.field("message", message.content)
            o.field("phoneNumbers", [message.contact])
            if let slot { o.field("simNumber", slot) }
            o.field("withDeliveryReport", true)
            o.field("isEncrypted", false)
            o.field("priority", 0)
            o.field("validUntil", offer.validUntil.milliseconds)
            o.field("state", "Pending")
            o.field("createdAt", (message.scheduledAt ?? message.createdAt).milliseconds)
        }
    }
}

extension Timestamp {
    /// RFC 3339 in UTC with exactly three digits: the app reads any number of digits as milliseconds, so that six of them are
    /// some minutes and nine are days.
    var milliseconds: String {
        let whole = Timestamp(seconds: seconds)
        let digits = String((self - whole).milliseconds)
        return whole.rfc3339.dropLast() + "." + String(repeating: "0", count: max(0, 3 - digits.count)) + digits + "Z"
    }
}
