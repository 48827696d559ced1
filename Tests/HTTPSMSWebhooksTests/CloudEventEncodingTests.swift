import HTTPSMSWebhooks
import JSON
import Testing
import Timestamps

struct CloudEventEncodingTests {
    @Test(arguments: EventType.allCases)
    func everyEventIsEncodedToTheBytesOfItsGoldenFile(_ type: EventType) throws {
        let body = sampleEvent(type).encoded()

        #expect(String(decoding: body, as: UTF8.self) == String(decoding: try golden(type), as: UTF8.self))
    }

    @Test(arguments: EventType.allCases)
    func everyPayloadKnowsItsTypeAndItsOwner(_ type: EventType) {
        let payload = sampleEvent(type).payload

        #expect(payload.type == type.rawValue)
        #expect(payload.owner == "+18005550199")
    }

    @Test func textOfThePayloadAndOfTheEnvelopeIsEscapedAsGoDoes() {
        let event = CloudEvent(
            id: "1", source: "/v1/x?a=1&b=2", time: at("2026-07-22T10:00:00Z"),
            payload: .callMissed(
                MissedCall(
                    messageID: "m", userID: "u", owner: "+1", contact: "<MTN> \u{2028}\"é/\u{1F4E8}\"",
                    timestamp: at("2026-07-22T12:00:00.5+02:00"), sim: .sim2)))

        let body = String(decoding: event.encoded(), as: UTF8.self)

        #expect(
            body == #"{"specversion":"1.0","id":"1","source":"/v1/x?a=1\u0026b=2","type":"message.call.missed","#
                + #""datacontenttype":"application/json","time":"2026-07-22T10:00:00Z","data":{"message_id":"m","#
                + #""user_id":"u","owner":"+1","contact":"\u003cMTN\u003e \u2028\"é/📨\"","#
                + #""timestamp":"2026-07-22T10:00:00.5Z","sim":"SIM2"}}"#)
    }

    @Test func noAttachmentsAreAnEmptyArray() {
        guard case .messageReceived(var message) = sampleEvent(.messageReceived).payload else { return }
        message.attachments = []

        let json = String(decoding: message.encodedJSON(), as: UTF8.self)

        #expect(json.hasSuffix(#","sim":"SIM1","attachments":[]}"#))
    }

    @Test func anUnknownEventWithoutDataIsEncodedWithoutData() {
        let event = CloudEvent(
            id: "1", source: "/", time: at("2026-07-22T10:00:00Z"), payload: .unknown(type: "x.y", data: []))

        let body = String(decoding: event.encoded(), as: UTF8.self)

        #expect(body.hasSuffix(#""time":"2026-07-22T10:00:00Z"}"#))
    }

    /// What the CloudEvents SDK for Python finds in a body.
    private struct Reading: Decodable, Equatable {
        let attributes: [String: String]
        let data: Members

        struct Members: Decodable, Equatable {
            let owner: String
        }
    }

    @Test(arguments: EventType.allCases)
    func theCloudEventsSDKReadsEveryEvent(_ type: EventType) async throws {
        let event = sampleEvent(type)

        let reading = try await Judge.cloudEvents.mustAccept("read", as: Reading.self) { o in
            o.field("body", String(decoding: event.encoded(), as: UTF8.self))
        }

        let time = try #require(reading.attributes["time"].flatMap { Timestamp(rfc3339: $0) })
        var attributes = reading.attributes
        attributes["time"] = nil
        #expect(time == event.time)
        #expect(
            attributes == [
                "specversion": "1.0", "id": event.id, "source": event.source, "type": type.rawValue,
                "datacontenttype": "application/json",
            ])
        #expect(reading.data.owner == event.payload.owner)
    }

    @Test(arguments: EventType.allCases)
    func eventsThatTheCloudEventsSDKWritesAreRead(_ type: EventType) async throws {
        let event = sampleEvent(type)

        let rewritten = try await Judge.cloudEvents.mustAccept("rewrite") { o in
            o.field("body", String(decoding: event.encoded(), as: UTF8.self))
        }

        #expect(try CloudEvent(decoding: rewritten.utf8) == event)
    }
}
