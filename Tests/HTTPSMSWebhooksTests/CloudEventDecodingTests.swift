import Foundation
import HTTPSMSWebhooks
import Testing
import Timestamps

struct CloudEventDecodingTests {
    /// An envelope around `data`, with `members` put in front of it.
    private static func body(
        type: String = "message.call.missed", data: String = "{}", members: String = #""id":"1","source":"/""#
    ) -> String {
        #"{"specversion":"1.0",\#(members),"type":"\#(type)","time":"2026-07-22T10:00:00Z","data":\#(data)}"#
    }

    @Test(arguments: EventType.allCases)
    func everyGoldenFileIsDecodedToItsEvent(_ type: EventType) throws {
        #expect(try CloudEvent(decoding: golden(type)) == sampleEvent(type))
    }

    @Test func membersComeInAnyOrderWithWhiteSpaceAndExtensions() throws {
        let body = """
             {"data" : {"sim":"SIM2", "new":[1], "timestamp":"2026-07-22T12:00:00.1234567+02:00", "contact":"MTN",
              "owner":"+1", "user_id":"u", "message_id":"m"} , "traceparent":"00-ab", "type":"message.call.missed",
              "datacontenttype":"Application/JSON; charset=utf-8", "time":"2026-07-22T10:00:00.000Z", "source":"/",
              "\\u0069d":"1", "specversion":"1.0"}
            """

        let event = try CloudEvent(decoding: body.utf8)

        #expect(
            event
                == CloudEvent(
                    id: "1", source: "/", time: at("2026-07-22T10:00:00Z"),
                    payload: .callMissed(
                        MissedCall(
                            messageID: "m", userID: "u", owner: "+1", contact: "MTN",
                            timestamp: at("2026-07-22T10:00:00.123456Z"), sim: .sim2))))
    }

    @Test(arguments: [
        #"{"b": 1.50, "a":[true,null,"\u00e9 \/ é"]}"#, "null", "[]", #""text""#, "-0.1e+10", "{ }",
    ])
    func theDataOfAnUnknownTypeIsKeptByteForByte(_ data: String) throws {
        let body = Self.body(type: "phone.battery.low", data: data)

        let event = try CloudEvent(decoding: body.utf8)

        #expect(event.payload == .unknown(type: "phone.battery.low", data: Array(data.utf8)))
        #expect(event.payload.type == "phone.battery.low")
        #expect(event.payload.owner == nil)
        #expect(try CloudEvent(decoding: event.encoded()) == event)
    }

    @Test func anUnknownTypeMayComeWithoutData() throws {
        let body = #"{"specversion":"1.0","id":"1","source":"/","type":"x","time":"2026-07-22T10:00:00Z"}"#

        let event = try CloudEvent(decoding: body.utf8)

        #expect(event.payload == .unknown(type: "x", data: []))
    }

    @Test(arguments: ["null", nil])
    func attachmentsThatAreNullOrAbsentAreNone(_ attachments: String?) throws {
        let golden = String(decoding: try golden(.messageReceived), as: UTF8.self)
        let start = try #require(golden.range(of: #","attachments""#)).lowerBound
        let body = golden[..<start] + (attachments.map { #","attachments":\#($0)"# } ?? "") + "}}"

        let event = try CloudEvent(decoding: body.utf8)

        guard case .messageReceived(let message) = event.payload else {
            Issue.record("decoded as \(event.payload)")
            return
        }
        #expect(message.attachments == [])
    }

    private static let callData = (
        contact: #""message_id":"m","user_id":"u","owner":"+1","contact":"+2""#,
        all: #""message_id":"m","user_id":"u","owner":"+1","contact":"+2","timestamp":"2026-07-22T10:00:00Z""#
    )

    private static let rubbish: [(String, CloudEventError)] = [
        // The document.
        ("", .malformedJSON(reason: "the document ends too early", offset: 0)),
        ("   ", .malformedJSON(reason: "the document ends too early", offset: 3)),
        ("hello", .malformedJSON(reason: "a value is expected", offset: 0)),
        ("[]", .notAnObject),
        ("null", .notAnObject),
        ("{} {}", .malformedJSON(reason: "something follows the document", offset: 3)),
        ("\u{FEFF}{}", .malformedJSON(reason: "a value is expected", offset: 0)),
        ("{'id':1}", .malformedJSON(reason: "\"\"\" is expected", offset: 1)),
        (#"{"id":1,}"#, .malformedJSON(reason: "\"\"\" is expected", offset: 8)),
        (#"{"id" 1}"#, .malformedJSON(reason: "\":\" is expected", offset: 6)),
        (#"{"id":[1 2]}"#, .malformedJSON(reason: "\"]\" is expected", offset: 9)),
        (#"{"id":01}"#, .malformedJSON(reason: "\"}\" is expected", offset: 7)),
        (#"{"id":1.}"#, .malformedJSON(reason: "a value is expected", offset: 8)),
        (#"{"id":NaN}"#, .malformedJSON(reason: "a value is expected", offset: 6)),
        (#"{"id":truE}"#, .malformedJSON(reason: "a value is expected", offset: 6)),
        (#"{"id":"\x"}"#, .malformedJSON(reason: "an escape is unknown", offset: 8)),
        (#"{"id":"\u12g4"}"#, .malformedJSON(reason: "a hexadecimal digit is expected", offset: 11)),
        ("{\"id\":\"\n\"}", .malformedJSON(reason: "a control character stands in a string", offset: 7)),
        // The envelope.
        ("{}", .missing(attribute: "specversion")),
        (#"{"specversion":"0.3"}"#, .unsupportedVersion("0.3")),
        (#"{"specversion":1.0}"#, .invalid(attribute: "specversion", reason: "it is not a string")),
        (body(members: #""id":"1""#), .missing(attribute: "source")),
        (body(members: #""id":"","source":"/""#), .invalid(attribute: "id", reason: "it is empty")),
        (body(members: #""id":1,"source":"/""#), .invalid(attribute: "id", reason: "it is not a string")),
        (body(members: #""id":"1","id":"2","source":"/""#), .invalid(attribute: "id", reason: "it occurs twice")),
        (
            body(members: #""id":"1","source":"/","datacontenttype":"text/xml""#),
            .invalid(attribute: "datacontenttype", reason: "it is \"text/xml\", not \"application/json\"")
        ),
        (
            body(members: #""id":"1","source":"/","data_base64":"e30=""#),
            .invalid(attribute: "data_base64", reason: "the data of httpSMS events is JSON")
        ),
        (
            #"{"specversion":"1.0","id":"1","source":"/","type":"x","time":"yesterday"}"#,
            .invalid(attribute: "time", reason: "it is not an RFC 3339 time with an offset")
        ),
        // The data.
        (
            #"{"specversion":"1.0","id":"1","source":"/","type":"message.call.missed","time":"2026-07-22T10:00:00Z"}"#,
            .missing(attribute: "data")
        ),
        (body(data: "[]"), .invalidData(type: "message.call.missed", path: "", reason: "it is of another JSON type")),
        (body(data: "null"), .invalidData(type: "message.call.missed", path: "", reason: "it is null")),
        (body(), .invalidData(type: "message.call.missed", path: "message_id", reason: "it is absent")),
        (
            body(data: "{\(callData.contact),\"timestamp\":\"soon\"}"),
            .invalidData(type: "message.call.missed", path: "timestamp", reason: "its value is not allowed")
        ),
        (
            body(data: "{\(callData.all),\"sim\":null}"),
            .invalidData(type: "message.call.missed", path: "sim", reason: "it is null")
        ),
        (
            body(data: "{\(callData.all),\"sim\":\"SIM3\"}"),
            .invalidData(type: "message.call.missed", path: "sim", reason: "its value is not allowed")
        ),
        (
            body(data: "{\(callData.all),\"sim\":1}"),
            .invalidData(type: "message.call.missed", path: "sim", reason: "it is of another JSON type")
        ),
    ]

    /// Comparing 200,000 marks in a row takes minutes; the names of members are compared.
    @Test(.timeLimit(.minutes(1))) func longRunsOfMarksAreBrokenInNamesAndTexts() throws {
        let marks = String(repeating: "\u{301}\u{323}", count: 100_000)
        let broken = { (text: String) in
            let parts = text.unicodeScalars.split { $0.properties.canonicalCombiningClass == .notReordered }
            return parts.allSatisfy { $0.count <= 30 }
        }
        let members = #""id":"\#(marks)","source":"/","\#(marks)":1,"x\#(marks)":1"#
        let data = #"{\#(Self.callData.all),"sim":"SIM1","\#(marks)":"","y\#(marks)":""}"#

        let event = try CloudEvent(decoding: Self.body(data: data, members: members).utf8)

        #expect(broken(event.id) && event.id.unicodeScalars.count > 200_000)
        #expect(event.payload.type == "message.call.missed")
    }

    @Test func halfASurrogatePairIsReplaced() throws {
        let event = try CloudEvent(decoding: Self.body(type: "x", members: #""id":"\ud800","source":"/""#).utf8)

        #expect(event.id == "\u{FFFD}")
    }

    @Test(arguments: rubbish)
    func rubbishIsRefusedWithTheReason(_ body: String, _ expected: CloudEventError) {
        #expect(throws: expected) { try CloudEvent(decoding: body.utf8) }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: CloudEventError.malformedJSON(reason: "the text is not UTF-8", offset: 0)) {
            try CloudEvent(decoding: [0x7B, 0xFF, 0x7D])
        }
    }

    @Test func nestingIsRefusedFarBeforeTheStackEnds() throws {
        let body = Array(Self.body(type: "x", data: String(repeating: "[", count: 100_000)).utf8)
        let first = try #require(body.firstIndex(of: UInt8(ascii: "[")))

        // The object around it is the first level of 128.
        #expect(throws: CloudEventError.malformedJSON(reason: "the nesting is too deep", offset: first + 127)) {
            try CloudEvent(decoding: body)
        }
    }

    @Test(arguments: EventType.allCases)
    func everyCutOfAnEventIsRefused(_ type: EventType) throws {
        let body = try golden(type)

        for length in body.indices {
            #expect(throws: CloudEventError.self) { try CloudEvent(decoding: body.prefix(length)) }
        }
    }

    @Test(arguments: EventType.allCases)
    func noSingleByteChangedMakesItCrash(_ type: EventType) throws {
        let body = try golden(type)

        for index in body.indices {
            for byte in [0x00, 0x22, 0x2D, 0x5C, 0x7B, 0x80, 0xFF] as [UInt8] {
                var changed = body
                changed[index] = byte
                // Both are right: text stays an event, broken structure does not. Only trapping would be wrong.
                _ = try? CloudEvent(decoding: changed)
            }
        }
    }

    @Test func anErrorReadsAsASentenceWithoutMessageText() {
        let error = CloudEventError.invalidData(type: "message.phone.sent", path: "sim", reason: "it is null")

        #expect(error.description == #"The member "sim" in the data of "message.phone.sent" is invalid: it is null."#)
    }
}
