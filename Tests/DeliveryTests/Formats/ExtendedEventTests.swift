import Foundation
import HTTPSMSWebhooks
import Testing

@testable import Delivery

/// Extension attributes of CloudEvents: which there are, that the rest of the event is as it is stored, and the rules of the
/// specification for names and values.
struct ExtendedEventTests {
    @Test func anEventNamesItsMessageBesideItsData() throws {
        var event = EventType.messageSent.declaration.sample
        guard case .messageSent(var data) = event.payload else { return }
        data.requestID = "order-17"
        event.payload = .messageSent(data)
        let stored = String(decoding: event.encoded(), as: UTF8.self)
        let attributes =
            #""messageid":"\#(data.messageID)","requestid":"order-17","owner":"\#(data.owner)","#
            + #""contact":"\#(data.contact)","deliveryid":"d-1","#

        let sent = try Self.text(event, delivery: "d-1")

        #expect(sent == stored.replacing("\"data\":", with: attributes + "\"data\":", maxReplacements: 1))
    }

    @Test(arguments: EventType.allCases)
    func attributesKeepTheRulesAndTheEventIsRead(type: EventType) throws {
        let core: Set = ["specversion", "id", "source", "type", "datacontenttype", "time", "data"]
        for event in [type.declaration.sample, type.declaration.awkward] {
            let bytes = Array(try Self.text(event, delivery: "d-1").utf8)
            let json = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
            let attributes = json.filter { !core.contains($0.key) }

            #expect(try CloudEvent(decoding: bytes) == CloudEvent(decoding: event.encoded()))
            #expect(attributes["owner"] as? String == event.payload.owner)
            #expect(attributes["messageid"] as? String == event.payload.messageID)
            for (name, value) in attributes {
                #expect(name.count <= 20 && name.utf8.allSatisfy { (0x61...0x7A).contains($0) }, "\(name)")
                #expect((value as? String)?.isEmpty == false, "\(name)")
            }
        }
    }

    @Test(
        arguments: [
            ("order 17 \u{e9}\u{1F600}", "order 17 \u{e9}\u{1F600}"),
            ("a\nb\u{1}\u{7F}\u{85}\u{FFFE}\u{1FFFF}c", "abc"),
            ("\"\\", "\"\\"), ("\n", nil), ("", nil),
        ] as [(String, String?)])
    func valuesHaveNoControlCharacters(requestID: String, attribute: String?) throws {
        var event = EventType.messageSent.declaration.sample
        guard case .messageSent(var data) = event.payload else { return }
        data.requestID = requestID
        event.payload = .messageSent(data)
        let sent = try Self.text(event, delivery: nil)

        let json = try #require(JSONSerialization.jsonObject(with: Data(sent.utf8)) as? [String: Any])

        #expect(json["requestid"] as? String == attribute)
        #expect(json["deliveryid"] == nil)
        // The data is what is stored, whatever is in it.
        let stored = String(decoding: event.encoded(), as: UTF8.self)
        #expect(try sent.hasSuffix(stored[#require(stored.range(of: "\"data\":")).lowerBound...]))
    }

    @Test(
        arguments: [
            ("", #","deliveryid":"d-1"}"#),
            (#"{"alert_id":"a-1","x":[{}]}"#, #""alertid":"a-1","deliveryid":"d-1","data":{"#),
            ("7", nil), ("[1]", nil),
        ] as [(String, String?)])
    func dataOfOtherTypesHasWhatIsFoundInIt(data: String, part: String?) throws {
        var event = EventType.messageSent.declaration.sample
        event.payload = .unknown(type: "phone.offline", data: Array(data.utf8))

        if let part {
            #expect(try Self.text(event, delivery: "d-1").contains(part))
        } else {
            #expect(throws: PayloadFault.self) { try Self.text(event, delivery: "d-1") }
        }
    }

    private static func text(_ event: CloudEvent, delivery: String?) throws -> String {
        let renderer = try PayloadRenderer(.preset(.cloudEventsExtended))
        let payload = try renderer.payload(of: event.encoded(), delivery: delivery)
        #expect(payload.contentType == "application/json" && payload.method == .post && payload.pathSuffix == nil)
        return String(decoding: payload.bytes, as: UTF8.self)
    }
}
