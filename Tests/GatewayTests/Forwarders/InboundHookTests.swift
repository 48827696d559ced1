import Foundation
import Storage
import TestSupport
import Testing

/// `/v1/inbound/{token}` as the apps call it.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct InboundHookTests {
    /// A request and what it becomes.
    struct Row: Sendable {
        let preset: String
        var method = "POST"
        var type: String? = "application/json"
        var query = ""
        var body: String?
        var contact = "+18005550100"
        var content = "Hello, world"
        var owner = "+18005550199"
        var sim = "SIM1"
        /// Nil for the server's.
        var time: String? = "2026-07-22T10:15:29.814Z"
    }

    /// As the documentation of each app writes them; 1784715329814 is 2026-07-22T10:15:29.814Z.
    private static let rows = [
        Row(
            preset: "incoming-sms-gateway",
            body: """
                {"from":"+18005550100","text":"Hello, world","sentStamp":1784715328000,"receivedStamp":1784715329814,\
                "sim":"sim1"}
                """),
        Row(
            preset: "incoming-sms-gateway",
            body: #"{"from":"+18005550100","text":"Hello, world","receivedStamp":1784715329814,"sim":"sim2"}"#,
            owner: "+18005550188", sim: "SIM2"),
        Row(
            preset: "incoming-sms-gateway",
            body: #"{"from":"+18005550100","text":"Hello, world","receivedStamp":1784715329814,"sim":"undetected"}"#),
        Row(
            preset: "smsforwarder", type: "application/x-www-form-urlencoded",
            body: "from=%2B18005550100&content=Hello%2C+world&timestamp=1784715329814&sign=abc"),
        Row(
            preset: "smsforwarder",
            body: """
                {"from":"+18005550100","text":"Hello, world","sim":"SIM2_carrier_+18005550188","timestamp":1784715329814}
                """, owner: "+18005550188", sim: "SIM2"),
        Row(
            preset: "smsforwarder", method: "PATCH",
            body: #"{"from":"+18005550100","text":"Hello, world","receive_time":"2026-07-22 10:15:29"}"#,
            time: "2026-07-22T10:15:29Z"),
        Row(
            preset: "smsforwarder", method: "GET", type: nil,
            query: "?from=+18005550100&content=Hello%2C%20world&sim=SIM1_x", time: nil),
        Row(
            preset: "tasker", type: "application/x-www-form-urlencoded",
            body: "sender=+18005550100&body=Hello%2C%20world&date=1784715329", time: "2026-07-22T10:15:29Z"),
        Row(
            preset: "macrodroid", method: "PUT", type: "text/plain",
            body: #"{"number":"+18005550100","message":"Hello, world","slot":2}"#, owner: "+18005550188", sim: "SIM2",
            time: nil),
        Row(
            preset: "gammu", type: "application/x-www-form-urlencoded",
            body: "from=%2B18005550100&text=Hello%2C+world&time=2026-07-22T10%3A15%3A29.814%2B00%3A00"),
        Row(
            preset: "generic", type: "application/json; charset=utf-8", query: "?sim=2",
            body: #"{"originator":"+18005550100","msg":"Hello, world","received_at":"2026-07-22T05:15:29.814+-5:00"}"#,
            owner: "+18005550188", sim: "SIM2"),
        Row(
            preset: "generic", type: "multipart/form-data; boundary=B",
            body: """
                --B\r\nContent-Disposition: form-data; name="msisdn"\r\n\r\n+18005550100\r\n\
                --B\r\nContent-Disposition: form-data; name="sms"\r\n\r\nHello, world\r\n--B--\r\n
                """, time: nil),
    ]

    @Test(arguments: Engine.enabled) func everyAppIsUnderstood(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            for row in Self.rows {
                let forwarder = try await ForwarderFixture(server, preset: row.preset)

                let answer = try await forwarder.call(row.method, row.body, type: row.type, more: row.query)

                #expect(answer.status == 200, "\(row) \(answer)")
                let message = try await forwarder.message(answer)
                #expect(message["contact"].string == row.contact, "\(row)")
                #expect(message["content"].string == row.content, "\(row)")
                #expect(message["owner"].string == row.owner, "\(row)")
                #expect(message["sim"].string == row.sim, "\(row)")
                #expect(message["received_at"] == row.time.map { .string($0) } ?? message["created_at"], "\(row)")
                #expect(message["failure_reason"] == .null, "\(row)")
                #expect(message["type"] == "mobile-originated")
                let request = try await forwarder.requests()[0]
                #expect(request["status"] == 200 && request["message_id"] == answer.data["id"])
                #expect(request["method"].string == row.method)
            }
        }
    }

    @Test func webhooksAreToldWithTheSourceOfAllHooks() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            _ = try await forwarder.call("POST", #"{"from":"+18005550100","text":"a"}"#)

            let sources = try await server.store.read { tx in
                try tx.rows("SELECT source FROM message").map { try $0.get("source", as: String.self) }
            }

            #expect(sources == ["/v1/inbound"])
            #expect(try await server.emittedTypes() == ["message.phone.received"])
        }
    }

    @Test func aHeadAndAStrangersTokenStoreNothing() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            let query = "?from=%2B18005550100&text=a"

            let head = try await forwarder.call("HEAD", type: nil, more: query)
            let wrong = try await server.client.post("/v1/inbound/in_nobody", ["from": "+18005550100", "text": "a"])
            let cased = try await server.client.get(forwarder.path.uppercased() + query)

            #expect(head.status == 200)
            #expect(wrong.status == 404 && cased.status == 404)
            #expect(wrong.message == "There is no such hook: copy the URL again, or make a new forwarder.")
            #expect(try await server.emittedTypes() == [])
            #expect(try await forwarder.requests() == [])
        }
    }

    @Test func aTokenOpensNothingElse() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            let client = server.client(key: String(forwarder.path.dropFirst("/v1/inbound/".count)))

            #expect(try await client.get("/v1/messages").status == 401)
            #expect(try await client.get("/v1/forwarders").status == 401)
        }
    }

    @Test func theLastTenRequestsAreKeptAndEachIsCut() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            for number in 0..<12 {
                server.clock.advance(by: .seconds(1))
                _ = try await forwarder.call("POST", #"{"from":"+18005550100","text":"\#(number)"}"#)
            }
            server.clock.advance(by: .seconds(1))
            let long = String(repeating: "é", count: 60_000)
            _ = try await forwarder.call(
                "POST", "from=1&text=\(long)", type: "text/\(String(repeating: "x", count: 1_000))",
                more: "?\(String(repeating: "q", count: 5_000))")

            let requests = try await forwarder.requests()

            #expect(requests.count == 10)
            #expect(requests[0]["body"].string.unicodeScalars.count == 4_096)
            #expect(requests[0]["query"].string.count == 4_096)
            #expect(requests[0]["content_type"].string.count == 255)
            #expect(requests[1]["body"] == #"{"from":"+18005550100","text":"11"}"#)
            #expect(requests[9]["body"] == #"{"from":"+18005550100","text":"3"}"#)
            let expected: JSON = [
                ["part": "contact", "place": "from", "value": "+18005550100"],
                ["part": "timestamp", "place": "", "value": ""], ["part": "sim", "place": "", "value": ""],
                ["part": "id", "place": "", "value": ""], ["part": "content", "place": "text", "value": "11"],
            ]
            #expect(Set(requests[1]["readings"].array) == Set(expected.array))
            #expect(try await forwarder.account.message(requests[0]["message_id"].string)["content"] == .string(long))
        }
    }

    @Test func aSIMWithoutANumberIsKeptOnTheLowest() async throws {
        try await withServer { server in
            for (sim, numbers, owner, note) in [
                (
                    "SIM3", ["SIM1", "SIM2"], "+18005550191",
                    "it came in on SIM3, which has no number here: it is kept with SIM1"
                ),
                (
                    "sim1", ["SIM2"], "+18005550192",
                    "it came in on SIM1, which has no number here: it is kept with SIM2"
                ),
                ("0", ["SIM1", "SIM2"], "+18005550191", nil), ("undetected", ["SIM2"], "+18005550192", nil),
                ("4915112345678", ["SIM2"], "+18005550192", nil), ("-1", ["SIM1"], "+18005550191", nil),
                (
                    "99", ["SIM2", "SIM1"], "+18005550191",
                    "it came in on SIM99, which has no number here: it is kept with SIM1"
                ),
                ("２", ["SIM1"], "+18005550191", nil), ("", ["SIM1"], "+18005550191", nil),
            ] as [(String, [String], String, String?)] {
                let forwarder = try await ForwarderFixture(
                    server,
                    numbers: .array(
                        numbers.map { ["sim": .string($0), "phone_number": .string("+1800555019\($0.suffix(1))")] }))

                let answer = try await forwarder.call(
                    "POST", #"{"from":"+18005550100","text":"a","sim":"\#(sim)"}"#)

                let message = try await forwarder.message(answer)
                #expect(message["owner"].string == owner, "\(sim)")
                #expect(message["failure_reason"] == note.map { .string($0) } ?? .null, "\(sim)")
            }
        }
    }

    @Test func aTemplateFindsWhatItPointsAt() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(
                server,
                template: [
                    "contact": "/sms/0/who~1is", "content": "/sms/0/te~0xt", "timestamp": "/at", "sim": "/sms/0/slot",
                ])
            let body = #"{"sms":[{"who/is":"+18005550100","te~xt":"A\"B😀","slot":2}],"at":1784715329,"from":"x"}"#

            let found = try await forwarder.call("POST", body)
            let lost = try await forwarder.call("POST", #"{"sms":{"0":7},"from":"+18005550100","text":"a"}"#)
            let form = try await forwarder.call("POST", "from=1&text=2", type: nil)

            let message = try await forwarder.message(found)
            #expect(message["contact"] == "+18005550100" && message["content"] == "A\"B😀")
            #expect(message["sim"] == "SIM2" && message["received_at"] == "2026-07-22T10:15:29Z")
            #expect(lost.status == 422 && form.status == 422)
            #expect(lost.message == "There is no text at /sms/0/te~0xt.")
            #expect(try await forwarder.requests()[1]["answer"] == "There is no text at /sms/0/te~0xt.")
        }
    }

    @Test func anErasedAccountLeavesNoHook() async throws {
        try await withServer { server in
            _ = try await server.makeAccount()
            let forwarder = try await ForwarderFixture(server)
            _ = try await forwarder.call("POST", #"{"from":"+18005550100","text":"a"}"#)

            #expect(try await forwarder.account.client.delete("/v1/users/me").status == 204)

            #expect(try await forwarder.call("POST", #"{"from":"+18005550100","text":"b"}"#).status == 404)
            try await until("the requests are erased") {
                server.clock.advance(by: .seconds(30))
                server.store.wakeups.signal(.erasures)
                return try await server.store.read { tx in
                    try tx.rows("SELECT id FROM forwarder_request").isEmpty
                        && tx.rows("SELECT id FROM forwarder").isEmpty
                }
            }
        }
    }
}
