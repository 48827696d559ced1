import Logging
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// A phone forgets a report that is refused, so nothing in a report of its own number is a reason to.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PhoneReportTests {
    private static let receive = "/v1/messages/receive"
    private static let call = "/v1/messages/calls/missed"

    private static func post(_ path: String, _ body: [UInt8], _ client: APIClient) async throws -> APIClient.Answer {
        try await client.send("POST", path, headers: [("Content-Type", "application/json")], body: body)
    }

    private static let oddText = "U+FFFD stands for what is not text in the report of the phone"
    private static let noText = "the SMS has no text"
    private static let noMMS = "MMS, not downloaded by the phone"
    private static let withheld = "the number of the sender is withheld"

    @Test func anSMSIsKeptWhateverItHolds() async throws {
        let table: [(members: String, contact: String, content: String, note: String?)] = [
            (#""from":"+18005550100","content":"","attachments":null"#, "+18005550100", "", Self.noText),
            (#""from":"+18005550100""#, "+18005550100", "", Self.noText),
            (#""from":"+18005550100","content":null,"attachments":[]"#, "+18005550100", "", Self.noMMS),
            (#""from":"+18005550100","content":" ""#, "+18005550100", " ", nil),
            (#""from":"","content":"Hi""#, "unknown", "Hi", Self.withheld),
            (#""from":null,"content":"Hi""#, "unknown", "Hi", Self.withheld),
            (#""from":"  ","content":"""#, "unknown", "", Self.withheld + "; " + Self.noText),
            (#""content":"Hi""#, "unknown", "Hi", Self.withheld),
            (#""from":8005550100,"content":42"#, "+18005550100", "42", nil),
            (#""from":[],"content":{},"sim":7,"encrypted":"no""#, "unknown", "", Self.withheld + "; " + Self.noText),
            (#""from":"MTN","content":"cut \ud83d""#, "MTN", "cut \u{FFFD}", Self.oddText),
            (#""from":"MTN","content":"\ude18 cut""#, "MTN", "\u{FFFD} cut", Self.oddText),
            (#""from":"MTN","content":"\ud83d\ude18""#, "MTN", "😘", nil),
            (#""from":"MTN","content":"say "hi" now""#, "MTN", #"say "hi" now"#, nil),
            ("\"from\":\"MTN\",\"content\":\"two\nlines\"", "MTN", "two\nlines", nil),
            (#""from":"MTN","content":"\d""#, "MTN", #"\d"#, nil),
            (#""from":"MTN","content":"Hi","attachments":{}"#, "MTN", "Hi", nil),
            (#""from":"MTN","content":"Hi","timestamp":1e400"#, "MTN", "Hi", nil),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            for row in table {
                let answer = try await Self.post(
                    Self.receive, Array("{\"to\":\"+18005550199\",\(row.members)}".utf8), phone.client)

                #expect(answer.status == 200, "\(row.members) \(answer)")
                #expect(answer.data["contact"].string == row.contact, "\(row.members)")
                #expect(answer.data["content"].string == row.content, "\(row.members)")
                #expect(answer.data["failure_reason"] == row.note.map { .string($0) } ?? .null, "\(row.members)")
                #expect(try await account.message(answer.data["id"].string) == answer.data)
            }
            let emitted = try await server.emittedTypes()
            #expect(emitted == table.map { _ in "message.phone.received" })
        }
    }

    @Test(
        arguments: [[0xed, 0xa0, 0xbd], [0xe9], [0xff, 0xfe], [0xf0, 0x9f, 0x98], [0x00], [0xc0, 0x80]] as [[UInt8]])
    func bytesThatAreNoTextAreReplaced(bytes: [UInt8]) async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            let start = #"{"to":"+18005550199","from":"MTN","content":"a"#

            let answer = try await Self.post(Self.receive, Array(start.utf8) + bytes + Array("b\"}".utf8), phone.client)

            #expect(answer.status == 200, "\(answer)")
            let content = answer.data["content"].string
            #expect(content.hasPrefix("a\u{FFFD}") && content.hasSuffix("b"), "\(content)")
            #expect(answer.data["failure_reason"].string == Self.oddText)
        }
    }

    @Test(arguments: [
        "\"yesterday\"", "\"2026-07-22\"", "\"2026-07-22T10:15:29\"", "\"2026-02-30T10:15:29Z\"", "17847153298140000",
        "\"2026-07-22T10:15:29.000000000+00:0:0\"", "\"2026-07-22T10:15:29.000000000Z02:00\"",
        "\"٢٠٢٦-٠٧-٢٢T١٠:١٥:٢٩Z\"", "0", "true", "\"\\ud83d\"",
    ]) func anOddTimeIsReplacedByTheServersAndStillTellsReportsApart(time: String) async throws {
        try await withServer { server in
            let (page, _, phone) = try await server.signedInWithPhone()
            func report(_ path: String, _ time: String) async throws -> APIClient.Answer {
                let body = #"{"to":"+18005550199","from":"MTN","content":"Hi","timestamp":\#(time)}"#
                return try await Self.post(path, Array(body.utf8), phone.client)
            }
            for path in [Self.receive, Self.call] {
                let first = try await report(path, time)
                let again = try await report(path, time)
                let other = try await report(path, "\"another time\"")

                #expect(first.status == 200, "\(first)")
                #expect(first.data["request_received_at"] == first.data["created_at"])
                #expect(first.data["order_timestamp"] == first.data["created_at"])
                #expect(again.text == first.text)
                #expect(other.data["id"] != first.data["id"])
                let shown = try await page.get("/messages/message/\(first.data["id"].string)").text
                #expect(shown.contains("which cannot be"))
            }
        }
    }

    @Test(arguments: ["null", "\"\"", "\"  \"", "{}", "[]"])
    func withoutATimeNothingIsARepeat(time: String) async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            let body = Array(#"{"to":"+18005550199","from":"MTN","content":"ok","timestamp":\#(time)}"#.utf8)

            let first = try await Self.post(Self.receive, body, phone.client)
            let second = try await Self.post(Self.receive, body, phone.client)

            #expect(first.status == 200 && second.status == 200)
            #expect(first.data["id"] != second.data["id"])
        }
    }

    @Test(arguments: ["\"from\":\"\"", "\"from\":null", "\"sim\":3", "\"from\":\"\",\"timestamp\":\"?\""])
    func aCallOfAWithheldNumberIsKept(members: String) async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "missed_call_auto_reply": "Later."])

            let answer = try await Self.post(
                Self.call, Array("{\"to\":\"+18005550199\",\(members)}".utf8), phone.client)

            #expect(answer.status == 200, "\(answer)")
            #expect(answer.data["contact"] == "unknown")
            #expect(answer.data["failure_reason"].string == Self.withheld)
            #expect(try await server.emittedTypes() == ["message.call.missed"])
            let shown = try await page.get("/messages/message/\(answer.data["id"].string)").text
            #expect(shown.contains(Self.withheld))
        }
    }

    @Test func aVeryLongSenderIsCut() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()

            let answer = try await phone.receive(
                ["from": .string(String(repeating: "é", count: 50_000)), "content": "Hi"])

            #expect(answer.status == 200)
            #expect(answer.data["contact"].string == String(repeating: "é", count: 255))
        }
    }

    /// As the app writes it, with whatever an exception of Android says.
    @Test(arguments: [
        #"no "SIM" here"#, "two\nlines", #"C:\Users\x \"#, #"",""#, "\u{1}\t", "}", "\"",
        #"java.lang.IllegalStateException: {"a": [[[["b"]]]]}"#,
    ]) func aReasonThatIsNotEscapedIsRead(reason: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string
            let body = """
                {
                  "event_name": "FAILED",
                  "reason": "\(reason)",
                  "timestamp": "\(server.clock.now().rfc3339)"
                }
                """

            let answer = try await Self.post("/v1/messages/\(id)/events", Array(body.utf8), phone.client)

            #expect(answer.status == 200, "\(answer)")
            #expect(answer.data["status"] == "failed")
            #expect(answer.data["failure_reason"].string == reason)
        }
    }

    /// The phone would repeat it forever.
    @Test(arguments: ["\"\"", "1", "\"2026-07-22T10:15:29Z02:00\"", "[]"])
    func aReportWithAnOddTimeIsTaken(time: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string

            let body = #"{"event_name":"SENT","timestamp":\#(time)}"#
            let answer = try await Self.post("/v1/messages/\(id)/events", Array(body.utf8), phone.client)

            #expect(answer.status == 200, "\(answer)")
            #expect(answer.data["sent_at"] == answer.data["updated_at"])
        }
    }

    @Test func anSMSOfAPhoneThatIsAheadHidesNoLaterOne() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let ahead = (server.clock.now() + .seconds(20 * 3_600)).rfc3339
            let first = try await phone.receive(
                ["from": "+18005550100", "content": "ahead", "timestamp": .string(ahead)])
            #expect(first.data["received_at"].string == ahead)
            #expect(first.data["order_timestamp"] == first.data["created_at"])
            server.clock.advance(by: .seconds(1))

            _ = try await phone.receive(
                ["from": "+18005550100", "content": "later", "timestamp": .string(server.clock.now().rfc3339)])

            let threads = try await account.client.get("/v1/message-threads?owner=%2B18005550199").data
            #expect(threads[0]["last_message_content"] == "later")
        }
    }

    /// Stored while the server's clock was ahead, by years.
    @Test func aThreadOfTheFarFutureTakesTheNextMessage() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await phone.receive(["from": "+18005550100", "content": "2031"]).data["id"].string
            let future = server.clock.now() + .seconds(5 * 365 * 86_400)
            try await server.store.write { tx in
                try tx.run("UPDATE message SET order_timestamp = \(future) WHERE id = \(id)")
                try tx.run("UPDATE message_thread SET order_timestamp = \(future)")
            }

            _ = try await phone.receive(["from": "+18005550100", "content": "now"])

            let threads = try await account.client.get("/v1/message-threads?owner=%2B18005550199").data
            #expect(threads[0]["last_message_content"] == "now")
            #expect(threads[0]["order_timestamp"] == threads[0]["updated_at"])
        }
    }

    @Test func aLoneSurrogateIsSentAsTheReplacementCharacter() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let body = #"{"from":"+18005550199","to":"+18005550100","content":"cut \ud83d"}"#

            let answer = try await Self.post("/v1/messages/send", Array(body.utf8), account.client)

            #expect(answer.status == 200, "\(answer)")
            #expect(answer.data["content"] == "cut \u{FFFD}")
        }
    }

    // MARK: What is refused

    @Test func whatIsRefusedIsCountedAndLogged() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.makePhone("+18005550188")
            let stranger = server.client(key: "pk_unknown")
            let sms = Array(#"{"to":"+18005550199","from":"MTN","content":"Hi"}"#.utf8)
            let foreign = Array(#"{"to":"+18005550188","from":"MTN","content":"Hi"}"#.utf8)
            let event = "/v1/messages/\(unknownID)/events"
            let table: [(path: String, body: [UInt8], client: APIClient, status: Int, route: String, reason: String)] =
                [
                    (Self.receive, sms, stranger, 401, "receive", "wrong_key"),
                    (Self.receive, foreign, phone.client, 401, "receive", "foreign_number"),
                    (Self.receive, Array("nonsense".utf8), phone.client, 400, "receive", "not_json"),
                    (Self.receive, Array("{}".utf8), phone.client, 422, "receive", "invalid"),
                    (Self.call, foreign, phone.client, 401, "calls/missed", "foreign_number"),
                    (Self.call, [], phone.client, 400, "calls/missed", "not_json"),
                    (event, Array(#"{"event_name":"SENT"}"#.utf8), phone.client, 404, "events", "not_found"),
                    (event, Array(#"{"event_name":"READ"}"#.utf8), phone.client, 422, "events", "invalid"),
                    (event, Array(repeating: 0x20, count: 2 << 20), phone.client, 413, "events", "too_large"),
                ]
            let before = try await server.client.get("/metrics").text
            for row in table {
                #expect(
                    before.contains(
                        "httpsms_phone_reports_refused_total{route=\"\(row.route)\",reason=\"\(row.reason)\"} 0\n"))

                let answer = try await Self.post(row.path, row.body, row.client)

                #expect(answer.status == row.status, "\(row.route) \(row.reason) \(answer)")
                let line = server.log.lines.last { $0.message == "report of a phone refused" }
                #expect(line?.level == .warning)
                #expect(line?.metadata["route"] == row.route)
                #expect(line?.metadata["reason"] == row.reason)
                let known = "key \(phone.keyID) ...0199"
                #expect(line?.metadata["phone"] == (row.reason == "wrong_key" ? "unknown" : known))
            }
            let metrics = try await server.client.get("/metrics").text
            for row in table {
                #expect(
                    metrics.contains(
                        "httpsms_phone_reports_refused_total{route=\"\(row.route)\",reason=\"\(row.reason)\"} 1\n"))
            }
            #expect(!server.log.lines.contains { "\($0)".contains("+18005550") && $0.level >= .info })
        }
    }

    @Test func whatIsTakenIsNotCounted() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            #expect(try await phone.receive(["from": "", "content": ""]).status == 200)
            #expect(try await account.client.get("/v1/messages/\(unknownID)").status == 404)
            #expect(try await account.client.post("/v1/messages/send", [:]).status == 422)

            let metrics = try await server.client.get("/metrics").text

            let counts = metrics.split(separator: "\n").filter { $0.hasPrefix("httpsms_phone_reports_refused_total{") }
            #expect(counts.count == 18)
            #expect(counts.allSatisfy { $0.hasSuffix(" 0") })
        }
    }

    @Test func theLogIsBounded() {
        var log = RefusalLog()
        let start = ContinuousClock.now

        #expect(log.note("a", at: start) == 0)
        #expect(log.note("a", at: start) == nil)
        #expect(log.note("b", at: start + .seconds(59)) == 1)
        #expect(log.note("a", at: start + .seconds(60)) == 0)
        let lines = (0..<1_000).count { log.note("phone \($0)", at: start + .seconds(61)) != nil }
        #expect(lines == RefusalLog.bound - 1)
        #expect(log.note("c", at: start + .seconds(120)) == 1_000 - lines)
    }
}
