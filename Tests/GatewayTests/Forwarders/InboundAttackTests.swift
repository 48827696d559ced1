import Foundation
import Logging
import TestSupport
import Testing

/// What no app should send and some do.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct InboundAttackTests {
    @Test func whatCanBeReadInAnyWayIsStored() async throws {
        let table: [(type: String?, body: [UInt8], content: String)] = [
            // A template that puts the text between quotes as it is.
            (
                "application/json", Array("{\"from\":\"1\",\"text\":\"a\n\"b\" \\d\t\",\"sim\":\"1\"}".utf8),
                "a\n\"b\" \\d\t"
            ),
            ("application/json", Array("{\"from\":\"1\",\"text\":\"a\r\nb\"}".utf8), "a\r\nb"),
            ("application/json", Array(#"{"from":"1","text":"\ud83d"}"#.utf8), "\u{FFFD}"),
            ("application/json", Array(#"{"from":"1","text":"a\u0000b"}"#.utf8), "a\u{FFFD}b"),
            ("application/json", Array(#"{"from":"1","text":""}"#.utf8), ""),
            ("application/json", Array(#"{"from":"1","text":12345678901234567890}"#.utf8), "12345678901234567890"),
            ("application/json", Array(#"{"from":"1","text":true,"text":"b"}"#.utf8), "b"),
            ("application/json", Array(#"{"from":"1","text":{"a":1},"message":"b"}"#.utf8), "b"),
            ("application/json", Array(#"{"from":["1"],"TEXT":"b"}"#.utf8), "b"),
            ("application/json", [0xEF, 0xBB, 0xBF] + Array(#"{"from":"1","text":"é"}"#.utf8), "é"),
            (
                "application/json; charset=iso-8859-1",
                Array(#"{"from":"1","text":""#.utf8) + [0xE9] + Array("\"}".utf8), "é"
            ),
            (
                "application/json; charset=utf-8", Array(#"{"from":"1","text":""#.utf8) + [0xE9] + Array("\"}".utf8),
                "\u{FFFD}"
            ),
            ("application/json", Array(#"{"from":"1","text":"é"}"#.data(using: .utf16) ?? Data()), "é"),
            ("application/x-www-form-urlencoded; charset=windows-1252", Array("from=1&text=%80%E9".utf8), "€é"),
            (
                "application/x-www-form-urlencoded", Array("from=1&text=%F0%9F%98%80+%zz%0d%0a%00".utf8),
                "😀 %zz\r\n\u{FFFD}"
            ),
            ("application/x-www-form-urlencoded", Array("from=1&text=a=b".utf8), "a=b"),
            (nil, Array("&&=&from=1&text".utf8), ""),
            ("nonsense", Array("from=1&text=a".utf8), "a"),
        ]
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            for (index, row) in table.enumerated() {
                let answer = try await forwarder.call("POST", bytes: row.body, type: row.type, more: "?id=\(index)")

                #expect(answer.status == 200, "\(index) \(answer)")
                #expect(try await forwarder.message(answer)["content"].string == row.content, "\(index)")
            }
            #expect(!server.log.lines.contains { $0.level >= .error }, "\(server.log.lines)")
        }
    }

    @Test func whatIsNoSMSIsRefusedWithASentence() async throws {
        let none =
            "There is no text under any of the names text, content, message, msg, body, sms, org_content."
        let deep = "The JSON is nested too deep, or has too many values."
        let broken = "The body begins like JSON and is none: put the text between quotes and escape it."
        let nested = String(repeating: "[", count: 100_000)
        let many = "[" + Array(repeating: "0", count: 20_000).joined(separator: ",") + "]"
        let table: [(type: String, body: String, sentence: String)] = [
            ("application/json", "{}", none), ("application/json", "", none), ("application/json", "[]", none),
            ("application/json", #"[{"from":"1","text":"a"}]"#, none),
            ("application/json", #"{"from":"1","text":null}"#, none),
            ("application/json", #"{"from":"1"}"#, none), ("text/plain", "Hello", none),
            ("application/json", "null", none), ("application/json", nested, deep), ("application/json", many, deep),
            ("application/json", "{\"a\":\(nested)", deep), ("application/json", "{", broken),
            ("application/json", #"{"from":1,"text":%text%}"#, broken),
            ("multipart/form-data; boundary=B", "--B\r\n", "The form breaks off, or has too many parts."),
        ]
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            for row in table {
                let answer = try await forwarder.call("POST", row.body, type: row.type)

                #expect(answer.status == 422, "\(row.body.prefix(40)) \(answer)")
                #expect(answer.message == row.sentence, "\(row.body.prefix(40))")
                #expect(try await forwarder.requests()[0]["answer"].string == row.sentence)
                #expect(try await forwarder.requests()[0]["status"] == 422)
                server.clock.advance(by: .seconds(1))
            }
            #expect(try await server.emittedTypes() == [])
            #expect(!server.log.lines.contains { $0.level >= .error }, "\(server.log.lines)")
        }
    }

    @Test func largeBodiesHaveABound() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            let large = #"{"from":"1","text":"\#(String(repeating: "x", count: 1_000_000))"}"#
            let names = (0..<1_000).map { "name\($0)=\($0)" }.joined(separator: "&")

            let taken = try await forwarder.call("POST", large)
            server.clock.advance(by: .seconds(1))
            let refused = try await forwarder.call("POST", bytes: [UInt8](repeating: 0x20, count: 10 << 20), type: nil)
            let hidden = try await forwarder.call("POST", "\(names)&from=1&text=a", type: nil)
            let found = try await forwarder.call("GET", type: nil, more: "?from=1&text=a&" + names.prefix(7_000))
            let ampersands = try await forwarder.call("POST", String(repeating: "&a", count: 500_000), type: nil)
            let stranger = try await server.client.send(
                "POST", "/v1/inbound/in_x", body: [UInt8](repeating: 0x20, count: 10 << 20))

            #expect(taken.status == 200 && refused.status == 413 && hidden.status == 422)
            #expect(found.status == 200 && ampersands.status == 422 && stranger.status == 404)
            #expect(try await forwarder.requests().contains { $0["status"] == 413 && $0["body"] == "" })
        }
    }

    @Test func noTimeIsAReasonToRefuse() async throws {
        let times: [JSON] = [
            "yesterday", "", "%date%", -1, 0, 1, 9_999_999_999, .string(String(repeating: "9", count: 10_000)), true,
            [:],
            .string("1e400"), .string("-1e400"), .string("NaN"), .int(.max), .int(.min), "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "2026-07-22T10:15:29+99:99",
            "2026-07-22T10:15:29+--5:00",
            .string("\u{0}"), 1.5, .double(1e300),
        ]
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            for (index, time) in times.enumerated() {
                let body: JSON = ["from": "1", "text": .string("a\(index)"), "date": time]

                let answer = try await forwarder.call("POST", body.written)

                #expect(answer.status == 200, "\(time)")
                let message = try await forwarder.message(answer)
                #expect(message["received_at"] == message["created_at"], "\(time)")
            }
        }
    }

    @Test func aSenderMayBeMissing() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)

            let answer = try await forwarder.call("POST", #"{"from":" ","text":"a"}"#)

            let message = try await forwarder.message(answer)
            #expect(message["contact"] == "unknown")
            #expect(message["failure_reason"] == "the number of the sender is withheld")
        }
    }
}
