import Delivery
import Foundation
import Gateway
import HTTPSMSWebhooks
import Storage
import Timestamps

/// The SMS of a benchmark: all alike, but for a serial number at the start of the text.
///
/// The number travels through the API, the store and the webhook, so that the sink can tell which SMS arrived, however
/// often and on whatever way, and the event stays what a phone would cause.
enum BenchMessage {
    /// Digits of the serial number; all texts have the same length.
    static let serialDigits = 9
    /// What stands before the number in the JSON of an event.
    static let marker: StaticString = ##""content":"#"##
    private static let text = " Your table for two is booked for tonight at half past seven, see you then!"
    private static let contact = "+18005550100"
    private static let timestamp = Timestamp(microseconds: 1_750_000_000_000_000)

    /// The phone's number of the account `index`.
    static func owner(_ index: Int) -> String {
        "+1800555" + String(format: "%04d", 1_000 + index)
    }

    static func serialText(_ serial: Int) -> String {
        String(format: "%0\(serialDigits)d", serial)
    }

    /// The body of a request up to the serial number and after it; `owner` is the phone's number.
    static func request(_ route: LoadPlan.Route, of owner: String) -> (before: [UInt8], after: [UInt8]) {
        switch route {
        case .receive:
            (
                Array(##"{"to":"\##(owner)","from":"\##(contact)","content":"#"##.utf8),
                Array(#"\#(text)","sim":"SIM1","timestamp":"\#(timestamp.rfc3339)"}"#.utf8)
            )
        case .send:
            (
                Array(##"{"from":"\##(owner)","to":"\##(contact)","content":"#"##.utf8), Array(#"\#(text)"}"#.utf8)
            )
        }
    }

    /// An inbound SMS as the store has it; one in ten thousand tells of an elephant.
    static func stored(
        _ serial: Int, of account: BenchServer.Account, contacts: Int, at time: Timestamp
    ) -> SeededSMS {
        SeededSMS(
            owner: account.owner, contact: "+1800556" + String(format: "%04d", serial % max(contacts, 1)),
            content: "#" + serialText(serial) + text + (serial % 10_000 == 5_000 ? " Bring your elephant." : ""),
            time: time)
    }

    /// The event that this SMS causes.
    static func event(serial: Int, id: EventID, messageID: ID<SeededSMS>, userID: UserID, owner: String)
        -> OutgoingEvent
    {
        OutgoingEvent(
            id: id, userID: userID, owner: owner, source: "/v1/messages/receive",
            payload: .messageReceived(
                MessageReceived(
                    messageID: messageID.text, userID: userID.text, owner: owner, isEncrypted: false, contact: contact,
                    timestamp: timestamp, content: "#" + serialText(serial) + text, sim: .sim1, attachments: [])),
            order: EventOrder(key: messageID.text, number: 1))
    }

    /// The bodies of the webhook requests of `count` such events, for clients that know nothing of the engine.
    static func bodies(count: Int) -> [[UInt8]] {
        let clock = SystemClock()
        return (0..<count).map { serial in
            let now = clock.now()
            let id = EventID(at: now)
            let event = event(
                serial: serial, id: id, messageID: ID(at: now), userID: UserID("bench"), owner: owner(0))
            return CloudEvent(id: id.text, source: event.source, time: now, payload: event.payload).encoded()
        }
    }
}
