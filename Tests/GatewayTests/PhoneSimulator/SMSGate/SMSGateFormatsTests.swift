import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// How the SMSGate app writes and reads: Gson, its dates, OkHttp's stream reader, versions, retry tables.
@Suite(.onOneEngine) struct SMSGateFormatsTests {
    private static let time = Timestamp(rfc3339: "2026-11-25T10:00:31.200456Z") ?? Timestamp(microseconds: 0)

    @Test func absentMembersAreLeftOutAndHTMLIsEscaped() {
        let value = GsonValue.members([
            "a": .text("Is it < 5 & 'ok' = \"\\/\"?\n\u{2028}\u{1}é"), "b": nil,
            "c": .array([.number(-1), .bool(true)]),
            "d": .object([]),
        ])

        #expect(
            value.json
                == #"{"a":"Is it \u003c 5 \u0026 \u0027ok\u0027 \u003d \"\\/\"?\n\u2028\u0001é","c":[-1,true],"d":{}}"#)
    }

    @Test(arguments: [
        (60, false, "2026-11-25T11:00:31.200+01:00"), (0, false, "2026-11-25T10:00:31.200Z"),
        (-300, false, "2026-11-25T05:00:31.200-05:00"), (-210, false, "2026-11-25T06:30:31.200-03:30"),
        (60, true, "2026-11-25T11:00:31.200+01:00"), (0, true, "2026-11-25T10:00:31.200+0000"),
        (-300, true, "2026-11-25T05:00:31.200+-5:00"), (-210, true, "2026-11-25T06:30:31.200+-3:-30"),
    ])
    func timesAreWrittenInThePhonesZone(offset: Int, isOldAndroid: Bool, text: String) {
        #expect(GsonTime(offset: offset, isOldAndroid: isOldAndroid).text(Self.time) == text)
    }

    @Test(
        arguments: [
            ("2026-11-25T10:00:00.123Z", "2026-11-25T10:00:00.123Z"), ("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z"),
            ("2026-11-25T10:00:00.123456Z", "2026-11-25T10:02:03.456Z"),
            ("2026-11-25T10:00:00.123456789Z", "2026-11-26T20:17:36.789Z"),
            ("2026-11-25T10:00:00.5Z", "2026-11-25T10:00:00.005Z"),
            ("2026-11-25T11:00:00.123+01:00", "2026-11-25T10:00:00.123Z"),
            ("2026-11-25", nil), ("1795600800123", nil), ("", nil), ("2026-11-25T10:00:00.Z", nil),
        ] as [(String, String?)])
    func aFractionIsReadAsANumberOfMilliseconds(text: String, read: String?) {
        #expect(GsonTime().read(text) == read.flatMap { Timestamp(rfc3339: $0) })
    }

    @Test func anOldAndroidReadsThreeDigitsOfAFraction() {
        let time = GsonTime(isOldAndroid: true)

        #expect(time.read("2026-11-25T10:00:00.123456Z")?.rfc3339 == "2026-11-25T10:00:00.123Z")
        #expect(time.read("2026-11-25T10:00:00.5Z")?.rfc3339 == "2026-11-25T10:00:00.5Z")
    }

    @Test func aHookIsSignedWithBodyAndTime() {
        let body = """
            {"id":"Vb3kq0Lr7yT2mXn9sWd4e","webhookId":"0199f0a2-1","event":"sms:received",\
            "deviceId":"0199f0a2-6c1e-7b5a-9d3e-2f6a1c0b4d77","payload":{"message":"Is it \\u003c 5 \\u0026 ok?",\
            "receivedAt":"2026-11-25T11:04:05.000+01:00","messageId":"9f3c21ab","sender":"+4915112345678",\
            "simNumber":1,"phoneNumber":"+4915112345678"}}
            """

        #expect(
            SMSGateApp.signature(of: body + "1795601047", key: "wk_3q2Zt8Lw0eRy5uIoPaSdFg")
                == "d4caa723bdf930f2e1d389a88af6ac6d7f96c63f6bd5b2c0c265c35b430834ff")
    }

    @Test func theStreamReaderDropsEventsWithoutData() {
        var reader = OkHTTPStreamReader()
        let text =
            ": open\n\nevent: A\ndata: null\n\nevent: B\n\nid: 1\nretry: 5\ndata: x\r\ndata: y\r\n\r\nevent: C\ndata:"

        let events = reader.read(text.utf8)

        #expect(events == [.init(name: "A", data: "null"), .init(name: nil, data: "x\ny")])
        #expect(reader.read("\n\ndata: z\n\n".utf8) == [.init(name: nil, data: "z")])
    }

    @Test func theStreamReaderIsNotMovedByHowTheTextIsCut() {
        let text = Array("event: MessageEnqueued\r\ndata: null\r\n\r\n:\n\nevent: B\ndata: 1\n\n".utf8)
        for cut in 0...text.count {
            var reader = OkHTTPStreamReader()
            let events = (reader.read(text[..<cut]) ?? []) + (reader.read(text[cut...]) ?? [])
            #expect(events == [.init(name: "MessageEnqueued", data: "null"), .init(name: "B", data: "1")])
        }
    }

    @Test func reportsAreDroppedAfterElevenTriesAndHooksAfterSixteen() {
        let reports = (1...11).map { SMSGateRetry.report(failures: $0) }
        let hooks = (1...16).map { SMSGateRetry.hook(failures: $0) }

        #expect(reports.last == .some(nil) && hooks.last == .some(nil))
        #expect(reports.compactMap { $0 }.reduce(.zero, +) == .seconds(10_230))
        #expect(hooks.compactMap { $0 }.reduce(.zero, +) == .seconds(163_835))
        #expect(SMSGateRetry.work(failures: .max) == .seconds(18_000))
        #expect(
            [1, 5, 6, 10, 11, .max].map { SMSGateRetry.stream(attempts: $0) }
                == [5, 5, 30, 30, 60, 60].map { .seconds($0) })
    }

    @Test(arguments: ["1.68", "1.68.0.1", "v1.68.0", "1.-1.0", "1.99999.0", ""])
    func whatIsNoVersionIsNone(text: String) {
        #expect(SMSGateVersion(text) == nil)
    }

    @Test func versionsKnowTheirEvents() throws {
        let old = try #require(SMSGateVersion("1.65.1"))

        #expect(old.knows(event: "mms:downloaded") && !old.knows(event: "app:started"))
        #expect(!SMSGateVersion.newest.knows(event: "sms:invented"))
        #expect(!SMSGateVersion(1, 15, 0).knows(event: "system:ping"))
        #expect(!SMSGateVersion(1, 66, 2).knows(streamEvent: "MessageCancelled"))
        #expect(SMSGateVersion(1, 9, 0) < SMSGateVersion(1, 10, 0))
        #expect(
            [SMSGateVersion(1, 65, 1), .init(1, 66, 1), .init(1, 66, 2)].map(\.duplicateCheck) == [
                .none, .withoutTime, .exact,
            ])
    }
}
