import TestSupport
import Testing

/// Attempts, expiry and `is_final`: an attempt counts when it is handed out, and has the phone's time to succeed.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct ExpiryTests {
    private static func message(
        _ id: String, of account: Account, in status: String, attempts: Int
    ) async throws -> JSON {
        try await eventually("\(status) at attempt \(attempts)") {
            let message = try await account.message(id)
            let isThere = message["status"].string == status && message["send_attempt_count"] == .int(attempts)
            return isThere ? message : JSON?.none
        }
    }

    @Test func aMessageExpiresOnceForEachAttemptAndTheLastTimeForGood() async throws {
        try await WebhookReceiver.run { receiver in
            let url = receiver.url()
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(url, events: ["message.send.expired"])
                let id = try await account.send()["id"].string
                _ = try await Self.message(id, of: account, in: "scheduled", attempts: 1)

                server.advance(by: .seconds(601))
                let first = try await receiver.event("message.send.expired", 1).json
                let retried = try await Self.message(id, of: account, in: "scheduled", attempts: 2)
                #expect(try await phone.fetch(id).data["status"] == "sending")
                server.advance(by: .seconds(601))
                let second = try await receiver.event("message.send.expired", 2).json
                let last = try await Self.message(id, of: account, in: "expired", attempts: 2)

                #expect(first["data"]["is_final"] == false)
                #expect(first["data"]["send_attempt_count"] == 1)
                #expect(second["data"]["is_final"] == true)
                #expect(second["data"]["send_attempt_count"] == 2)
                #expect(second["source"] == "/v1/messages/send")
                #expect(retried["expired_at"] == first["data"]["timestamp"])
                #expect(last["expired_at"] == second["data"]["timestamp"])
                server.advance(by: .seconds(86_400))
                let fence = try await account.send()["id"].string
                _ = try await Self.message(fence, of: account, in: "scheduled", attempts: 1)
                #expect(try await server.emittedTypes().count == 2)
            }
        }
    }

    @Test func aReportEndsTheWaiting() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string
            _ = try await Self.message(id, of: account, in: "scheduled", attempts: 1)
            _ = try await phone.report("SENT", id)

            server.advance(by: .seconds(3_600))
            let fence = try await account.send()["id"].string
            _ = try await Self.message(fence, of: account, in: "scheduled", attempts: 1)

            #expect(try await server.emittedTypes() == ["message.phone.sent"])
            #expect(try await account.message(id)["status"] == "sent")
        }
    }

    @Test func aLateReportOfAnExpiredMessageCounts() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.client.put(
                "/v1/phones",
                [
                    "phone_number": "+18005550199", "max_send_attempts": 1, "message_expiration_seconds": 60,
                ])
            let id = try await account.send()["id"].string
            _ = try await Self.message(id, of: account, in: "scheduled", attempts: 1)
            server.advance(by: .seconds(61))
            _ = try await Self.message(id, of: account, in: "expired", attempts: 1)

            let late = try await phone.report("DELIVERED", id)

            #expect(late.data["status"] == "delivered")
            #expect(late.data["expired_at"] != .null)
            #expect(try await server.emittedTypes() == ["message.send.expired", "message.phone.delivered"])
        }
    }

    @Test func aDeletedMessageIsNeitherHandedOutNorExpires() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string
            _ = try await account.client.delete("/v1/messages/\(id)")

            let fetched = try await phone.fetch(id)
            server.advance(by: .seconds(3_600))
            let fence = try await account.send()["id"].string
            _ = try await Self.message(fence, of: account, in: "scheduled", attempts: 1)

            #expect(fetched.status == 404)
            #expect(try await server.emittedTypes() == [])
        }
    }

    @Test func expiryComesAfterARestart() async throws {
        let clock = AdjustableClock()
        try await withTemporaryDirectory { directory in
            try await withServer(in: directory, clock: clock) { server in
                let account = try await server.makeAccount()
                _ = try await account.makePhone()
                let id = try await account.send()["id"].string
                _ = try await Self.message(id, of: account, in: "scheduled", attempts: 1)
            }
            clock.advance(by: .seconds(601))
            try await withServer(in: directory, clock: clock) { server in
                let types = try await eventually("the expiry") {
                    let types = try await server.emittedTypes()
                    return types.isEmpty ? nil : types
                }
                #expect(types == ["message.send.expired"])
            }
        }
    }

    @Test func theOperatorMayAllowShorterExpirations() async throws {
        try await withServer(["MESSAGE_EXPIRATION_MIN": "5s"]) { server in
            let account = try await server.makeAccount()
            for (seconds, status) in [(4, 422), (5, 200)] {
                let answer = try await account.client.put(
                    "/v1/phones",
                    ["phone_number": "+18005550199", "message_expiration_seconds": .int(seconds)])

                #expect(answer.status == status)
            }
        }
    }
}
