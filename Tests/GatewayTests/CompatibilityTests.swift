import Foundation
import TestSupport
import Testing
import Timestamps

/// What looks odd on the wire and has to stay as it is, because clients of httpSMS depend on it: one test, named in comments elsewhere,
/// for each of K1 to K13.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct CompatibilityTests {
    /// The account with one phone that every trap begins with.
    private static func with(
        _ body: @escaping @Sendable (TestServer, Account, Account.Phone) async throws -> Void
    ) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            try await body(server, account, account.makePhone())
        }
    }

    @Test("K1: a limit above the documented maximum is clamped, not refused") func k1() async throws {
        try await Self.with { _, account, phone in
            for index in 0..<3 { _ = try await phone.receive(["from": "+18005550100", "content": "\(index)"]) }
            let conversation = "/v1/messages?owner=%2B18005550199&contact=%2B18005550100"
            for path in [
                "\(conversation)&limit=50", "\(conversation)&limit=99999999999999999999", "/v1/phones?limit=100",
                "/v1/message-threads?owner=%2B18005550199&limit=100", "/v1/webhooks?limit=100",
                "/v1/phone-api-keys?limit=100", "/v1/heartbeats?owner=%2B18005550199&limit=100",
                "/v1/messages/search?limit=1000",
            ] {
                #expect(try await account.client.get(path).status == 200, "\(path)")
            }
            #expect(try await account.client.get("\(conversation)&limit=50").data.array.count == 3)
        }
    }

    @Test("K2: a space before a number is its plus sign; elsewhere spaces go and bare digits get one")
    func k2() async throws {
        try await Self.with { _, account, phone in
            _ = try await phone.receive(["from": "+18005550100", "content": "Hi"])
            let plain = try await account.client.get("/v1/messages?owner=+18005550199&contact=+18005550100")
            #expect(plain.data.array.count == 1)
            let bare = try await account.client.get("/v1/messages?owner=18005550199&contact=+18005550100")
            #expect(bare.status == 422)
            for owner in ["18005550199", "%2018005550199%20", "+18005550199", "%2B18005550199"] {
                let threads = try await account.client.get("/v1/message-threads?owner=\(owner)")
                #expect(threads.data.array.count == 1, "\(owner)")
                #expect(try await account.client.get("/v1/heartbeats?owner=\(owner)").status == 200, "\(owner)")
            }
        }
    }

    @Test("K3: case and a slash at the end do not matter in paths, nor do more fields, nor a type without a body")
    func k3() async throws {
        try await Self.with { _, account, _ in
            for path in ["/v1/phone-api-keys/", "/V1/Phone-API-Keys", "/v1/PHONES/", "/v1/users/me/"] {
                #expect(try await account.client.get(path).status == 200, "\(path)")
            }
            let created = try await account.client.post("/v1/phone-api-keys/", ["name": "key", "colour": "blue"])
            #expect(created.status == 200)
            let typed = try await account.client.send(
                "GET", "/v1/phones", headers: [("Content-Type", "application/json"), ("Accept", "application/json")])
            #expect(typed.status == 200)
        }
    }

    @Test("K4: success has the status codes of the code, not those of its documentation") func k4() async throws {
        try await Self.with { _, account, phone in
            let key = try await account.client.post("/v1/phone-api-keys", ["name": "key"])
            #expect(key.status == 200)
            let beat = try await phone.beat()
            #expect(beat.status == 201)
            #expect(beat.data.array.count == 1)
            let webhook = try await account.client.post(
                "/v1/webhooks",
                [
                    "url": "http://127.0.0.1:1/", "events": ["message.phone.received"],
                    "phone_numbers": ["+18005550199"],
                ])
            #expect(webhook.status == 201)
            let upload = try await account.upload(BulkFile.header + BulkFile.row)
            #expect(upload.status == 202)
            #expect(upload.json["data"] == .absent)
            let schedule = try await account.client.post(
                "/v1/send-schedules",
                [
                    "name": "Office", "timezone": "UTC",
                    "windows": [["day_of_week": 1, "start_minute": 0, "end_minute": 60]],
                ])
            #expect(schedule.status == 201)
            let thread = try await account.client.get("/v1/message-threads?owner=%2B18005550199").data[0]["id"].string
            let message = try await account.send()["id"].string
            let deletions: [(path: String, status: Int)] = [
                ("/v1/messages/\(message)", 204), ("/v1/message-threads/\(thread)", 204),
                ("/v1/phone-api-keys/\(phone.keyID)/phones/\(phone.id)", 204),
                ("/v1/phone-api-keys/\(key.data["id"].string)", 204),
                ("/v1/send-schedules/\(schedule.data["id"].string)", 204),
                ("/v1/webhooks/\(webhook.data["id"].string)", 200), ("/v1/phones/\(phone.id)", 200),
                ("/v1/users/me", 204),
            ]
            for row in deletions {
                let answer = try await account.client.delete(row.path)
                #expect(answer.status == row.status, "\(row.path) \(answer)")
                if row.status == 204 { #expect(answer.body == [], "\(row.path)") }
                if row.status == 200 { #expect(answer.json["data"] == .null, "\(row.path)") }
            }
        }
    }

    @Test("K5: parts of a message are 204, unknown ones 404, a state that does not fit is 200") func k5() async throws {
        try await Self.with { _, account, phone in
            let id = try await account.send()["id"].string
            #expect(try await phone.report("DELIVERED", "\(id).0").status == 204)
            #expect(try await phone.report("SENT", unknownID).status == 404)
            #expect(try await phone.report("DELIVERED", id).status == 200)
            let conflict = try await phone.report("FAILED", id)
            #expect(conflict.status == 200)
            #expect(conflict.data["status"] == "delivered")
        }
    }

    @Test("K6: a phone key for another number, and another user's id, are 401") func k6() async throws {
        try await Self.with { _, account, phone in
            let foreign = try await phone.client.post(
                "/v1/messages/receive", ["to": "+18005550188", "from": "+18005550100", "content": "Hi"])
            #expect(foreign.status == 401)
            #expect(foreign.json == Envelope.foreignNumber("+18005550188", boundTo: "+18005550199"))
            #expect(try await account.client.delete("/v1/users/somebody/api-keys").status == 401)
        }
    }

    @Test("K7: fetching an outstanding message takes it, and a second fetch finds nothing") func k7() async throws {
        try await Self.with { _, account, phone in
            let id = try await account.send()["id"].string
            let first = try await phone.fetch(id)
            #expect(first.status == 200)
            #expect(first.data["status"] == "sending")
            #expect(try await phone.fetch(id).status == 404)
        }
    }

    @Test("K8: send_time is in nanoseconds, and the plan and the wish have different names") func k8() async throws {
        try await Self.with { server, account, phone in
            let wish = (server.clock.now() + .seconds(3_600)).rfc3339
            let id = try await account.send(["send_at": .string(wish)])["id"].string
            let planned = try await account.message(id)
            #expect(planned["scheduled_send_time"].string == wish)
            #expect(planned["scheduled_at"].string == wish)
            let received = try #require(Timestamp(rfc3339: planned["request_received_at"].string))
            let sent = (received + .seconds(2)).rfc3339
            _ = try await phone.report("SENT", id, ["timestamp": .string(sent)])
            #expect(try await account.message(id)["send_time"] == 2_000_000_000)
        }
    }

    @Test("K9: webhooks call the id of a message id or message_id, by the type of the event") func k9() async throws {
        try await Self.with { _, account, phone in
            try await WebhookReceiver.run { receiver in
                try await account.makeWebhook(receiver.url())
                let received = try await phone.receive(["from": "+18005550100", "content": "Hi"]).data["id"]
                let sent = try await account.send()["id"].string
                _ = try await phone.report("SENT", sent)
                let first = try await receiver.event("message.phone.received").json["data"]
                let second = try await receiver.event("message.phone.sent").json["data"]
                #expect(first["message_id"] == received)
                #expect(first["id"] == .absent)
                #expect(second["id"].string == sent)
                #expect(second["message_id"] == .absent)
            }
        }
    }

    @Test("K10: an unknown SIM is SIM1, and DEFAULT is accepted") func k10() async throws {
        try await Self.with { _, account, phone in
            for (sim, stored) in [
                ("DEFAULT", "SIM1"), ("SIM2", "SIM2"), ("sim2", "SIM2"), ("", "SIM1"), ("ESIM", "SIM1"),
            ] {
                let body: JSON = ["from": "+18005550100", "content": .string("Hi \(sim)"), "sim": .string(sim)]
                let answer = try await phone.receive(body)
                #expect(answer.status == 200, "\(sim)")
                #expect(answer.data["sim"].string == stored, "\(sim)")
            }
            let updated = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "sim": "SIM9"])
            #expect(updated.data["sim"] == "SIM1")
        }
    }

    @Test("K11: an upload's request_id tells its time and its file") func k11() async throws {
        try await Self.with { _, account, _ in
            let name = "Käufer (final) of the very long spring campaign 2026.csv"
            let answer = try await account.upload(name, Array((BulkFile.header + BulkFile.row).utf8))
            #expect(answer.status == 202)
            let id = try await account.client.get("/v1/bulk-messages").data[0]["request_id"].string
            let parts = id.split(separator: "-", maxSplits: 2)
            #expect(parts[0] == "bulk")
            #expect(parts[1].wholeMatch(of: /[0-9A-Za-z]{7,8}/) != nil)
            #expect(parts[2].count == 32)
            #expect(parts[2].hasPrefix("Kufer final"))
            #expect(parts[2].hasSuffix("2026.csv"))
        }
    }

    @Test("K12: lists that are empty are [], and keys are shown in full") func k12() async throws {
        try await Self.with { _, account, phone in
            let key = try await account.client.post("/v1/phone-api-keys", ["name": "key"]).data
            #expect(key["phone_numbers"] == [])
            #expect(key["phone_ids"] == [])
            let keys = try await account.client.get("/v1/phone-api-keys").data.array
            #expect(keys.allSatisfy { $0["api_key"].string.hasPrefix("pk_") && $0["api_key"].string.count == 67 })
            try await account.makeWebhook("http://127.0.0.1:1/", key: "signing-key")
            #expect(try await account.client.get("/v1/webhooks").data[0]["signing_key"] == "signing-key")
            #expect(try await account.send()["attachments"] == [])
            _ = phone
        }
    }

    @Test("K13: seconds with nine digits behind the point are understood") func k13() async throws {
        try await Self.with { _, account, phone in
            let received = try await phone.receive([
                "from": "+18005550100", "content": "Hi", "timestamp": "2026-07-22T10:15:29.814000000Z",
            ])
            #expect(received.data["request_received_at"] == "2026-07-22T10:15:29.814Z")
            let id = try await account.send()["id"].string
            let report = try await phone.report("SENT", id, ["timestamp": "2026-07-22T10:15:29.123456789+02:00"])
            #expect(report.status == 200)
            #expect(report.data["sent_at"] == "2026-07-22T08:15:29.123456Z")
        }
    }
}
