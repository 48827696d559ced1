import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

extension PhoneAppTests {
    /// What happens to a message to send, from the request to the webhook, with a sink that is not ours in place of
    /// Firebase and of the receiver.
    @Suite struct SendingFlows {
        @Test(.timeLimit(.minutes(15))) func aMessageIsPushedFetchedSentAndDelivered() async throws {
            try await withPhone(["messages_per_minute": 0]) { client, sink in
                try await client.webhook(
                    sink.baseURL + "/hook", events: ["message.phone.sent", "message.phone.delivered"],
                    ordering: "message")
                // Ciphertext of the clients, as the app writes it: nothing may touch it.
                let secret = "3q2+7w==/\\ \u{e9}\u{301}\r\n\t+%20&amp;" + String(repeating: "QUJD", count: 300)
                let message = try await client.call(
                    .POST, "/v1/messages/send",
                    [
                        "from": .text(Client.owner), "to": "+18005550100", "content": .text(secret),
                        "encrypted": true, "request_id": "order-17",
                    ])
                let id = try #require(message["id"].text)
                let push = try await sink.arrivals(1, at: IndependentSink.pushes)[0].body["message"]
                #expect(push["data"]["KEY_MESSAGE_ID"].text == id)
                #expect(push["token"] == "token")
                #expect(push["android"]["priority"] == "high")

                let fetched = try await client.call(.GET, "/v1/messages/outstanding?message_id=\(id)")
                #expect(fetched["content"].text == secret)
                #expect(fetched["encrypted"] == true)
                for name in ["SENT", "DELIVERED"] {
                    try await client.call(
                        .POST, "/v1/messages/\(id)/events",
                        ["event_name": .text(name), "timestamp": "2036-11-25T10:00:00.000000000Z"])
                }

                let hooks = try await sink.arrivals(2, at: "/hook")
                #expect(hooks.map { $0.headers["x-event-type"] } == ["message.phone.sent", "message.phone.delivered"])
                for hook in hooks {
                    #expect(hook.body["data"]["id"].text == id)
                    #expect(hook.body["data"]["content"].text == secret)
                    #expect(hook.body["data"]["encrypted"] == true)
                    #expect(hook.body["data"]["request_id"] == "order-17")
                }
                #expect(try await client.call(.GET, "/v1/messages/\(id)")["status"] == "delivered")
                #expect(try sink.arrivals(at: IndependentSink.pushes).count == 1)
            }
        }

        @Test(.timeLimit(.minutes(15))) func aMessageThatNobodyFetchesExpiresTwice() async throws {
            let settings: [String: JSONValue] = [
                "messages_per_minute": 0, "max_send_attempts": 2, "message_expiration_seconds": 2,
            ]
            try await withPhone(settings) { client, sink in
                try await client.webhook(sink.baseURL + "/hook", events: ["message.send.expired"])
                let id = try #require(try await send(client)["id"].text)

                let hooks = try await sink.arrivals(2, at: "/hook")

                #expect(hooks.map { $0.body["data"]["is_final"] } == [false, true])
                #expect(hooks.map { $0.body["data"]["send_attempt_count"] } == [1, 2])
                let pushes = try sink.arrivals(at: IndependentSink.pushes)
                #expect(pushes.map { $0.body["message"]["data"]["KEY_MESSAGE_ID"].text } == [id, id])
                let message = try await client.call(.GET, "/v1/messages/\(id)")
                #expect(message["status"] == "expired")
                #expect(message["send_attempt_count"] == 2)
            }
        }

        @Test(.timeLimit(.minutes(15))) func tenMessagesAMinuteArePushedSixSecondsApart() async throws {
            try await withPhone(["messages_per_minute": 10]) { client, sink in
                try await client.call(
                    .POST, "/v1/messages/bulk-send",
                    [
                        "from": .text(Client.owner), "to": ["+18005550100", "+18005550101", "+18005550102"],
                        "content": "Hi",
                    ])

                let pushes = try await sink.arrivals(3, at: IndependentSink.pushes)

                for (earlier, later) in zip(pushes, pushes.dropFirst()) {
                    // By the clock of the sink, which pushes reach when they do.
                    #expect((5.5...8).contains(later.time - earlier.time), "\(later.time - earlier.time) s")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: ["csv", "xlsx"])
        func everyRowOfAFileIsPushed(kind: String) async throws {
            try await withPhone(["messages_per_minute": 0]) { client, sink in
                let rows = (0..<20).map { ["\(Client.owner)", "+18005550\(100 + $0)", "Row \($0)"] }
                let titles = ["FromPhoneNumber", "ToPhoneNumber", "Content"]
                let file = try await Self.file(kind, [titles] + rows, client.installation)

                let status = try await upload(file, "numbers.\(kind)", client)

                #expect(status == 202)
                let pushes = try await sink.arrivals(20, at: IndependentSink.pushes)
                var contents: Set<String> = []
                for push in pushes {
                    let id = push.body["message"]["data"]["KEY_MESSAGE_ID"].text ?? ""
                    let message = try await client.call(.GET, "/v1/messages/outstanding?message_id=\(id)")
                    contents.insert(message["content"].text ?? "")
                }
                #expect(contents == Set(rows.map { $0[2] }))
                let list = try await client.call(.GET, "/v1/bulk-messages")
                #expect(list.elements.first?["total"] == 20)
            }
        }

        /// The whole process runs on the last weekend of summer time, by `faketime`.
        @Test(.timeLimit(.minutes(15))) func aScheduleOpensAtNineOnBothSidesOfAChangeOfTheClock() async throws {
            try await withPhone(["messages_per_minute": 1], clock: "2026-10-24 20:00:00") { client, _ in
                let office: [JSONValue] = (0...6).map {
                    ["day_of_week": .number(Double($0)), "start_minute": 540, "end_minute": 542]
                }
                let schedule = try await client.call(
                    .POST, "/v1/send-schedules",
                    ["name": "Office", "timezone": "Europe/Berlin", "windows": .array(office)])
                try await client.call(
                    .PUT, "/v1/phones",
                    ["phone_number": .text(Client.owner), "message_send_schedule_id": schedule["id"]])

                let times = try await [send(client), send(client), send(client)].map { $0["scheduled_at"].text }

                // Summer time ended in the night: 9 o'clock is at 8 UTC, where it was at 7 the day before.
                #expect(times == ["2026-10-25T08:00:00Z", "2026-10-25T08:01:00Z", "2026-10-26T08:00:00Z"])
            }
        }

        /// Runs `body` with a server that pushes to the sink, and one phone with these settings.
        private func withPhone(
            _ phone: [String: JSONValue], clock: String? = nil,
            _ body: (Client, IndependentSink) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { folder in
                try await IndependentSink.run(in: folder) { sink in
                    let settings = ["FCM_ENDPOINT": sink.baseURL, "MESSAGE_EXPIRATION_MIN": "1s", "TZ": "UTC"]
                    try await withInstallation(settings, clock: clock) { installation in
                        let client = Client(installation: installation)
                        try await client.setUp(phone: phone.merging(["fcm_token": "token"]) { $1 })
                        try await body(client, sink)
                    }
                }
            }
        }

        private func send(_ client: Client) async throws -> JSONValue {
            try await client.call(
                .POST, "/v1/messages/send",
                ["from": .text(Client.owner), "to": "+18005550100", "content": "Hi"])
        }

        /// A file as people's tools write it.
        private static func file(_ kind: String, _ rows: [[String]], _ installation: Installation) async throws -> Data
        {
            if kind == "csv" { return Data(rows.map { $0.joined(separator: ",") + "\r\n" }.joined().utf8) }
            let sheet = JSONValue.array(rows.map { .array($0.map { .text($0) }) })
            let request: JSONValue = ["action": "write", "sheets": [["Numbers", sheet]]]
            let path = installation.folder + "/sheet.json"
            try JSONEncoder().encode(request).write(to: URL(filePath: path))
            let process = try IndependentSink.python(
                "HTTPSMSWebhooksTests/Judges/spreadsheet.py", [path], logs: installation.folder + "/sheet")
            defer { process.killNow() }
            guard try await process.wait() == .exited(0) else { throw TestFailure(process.errors) }
            let answer = try JSONDecoder().decode(JSONValue.self, from: Data(process.output.utf8))
            return try #require(Data(base64Encoded: answer["accepted"].text ?? ""))
        }

        private func upload(_ file: Data, _ name: String, _ client: Client) async throws -> UInt {
            var request = HTTPClientRequest(url: client.installation.baseURL + "/v1/bulk-messages")
            request.method = .POST
            request.headers = [
                "x-api-key": Client.apiKey, "Content-Type": "multipart/form-data; boundary=boundary",
            ]
            let head = """
                --boundary\r\nContent-Disposition: form-data; name="document"; filename="\(name)"\r\n\
                Content-Type: application/octet-stream\r\n\r\n
                """
            request.body = .bytes(Data(head.utf8) + file + Data("\r\n--boundary--\r\n".utf8))
            return try await HTTPClient.shared.execute(request, timeout: .seconds(20)).status.code
        }
    }
}
