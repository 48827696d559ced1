import TestSupport
import Testing

/// `phone.heartbeat.offline` after an hour of silence, `phone.heartbeat.online` after it; each once in an outage.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PresenceTests {
    private static func isEmitted(_ types: [String], on server: TestServer) async throws {
        _ = try await eventually("\(types)") {
            try await server.emittedTypes() == types ? true : nil
        }
    }

    @Test func anOutageIsToldOnceAndItsEndOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (phone, fence) = (try await account.makePhone(), try await account.makePhone("+18005550188"))
            #expect(try await phone.beat().status == 201)
            server.advance(by: .seconds(3_500))
            #expect(try await fence.beat().status == 201)
            #expect(try await server.emittedTypes() == [])

            server.advance(by: .seconds(101))
            try await Self.isEmitted(["phone.heartbeat.offline"], on: server)
            server.advance(by: .seconds(3_600))

            // The second phone's outage shows that the sweep looked again and left the first one alone.
            try await Self.isEmitted(["phone.heartbeat.offline", "phone.heartbeat.offline"], on: server)
            _ = try await phone.beat()
            _ = try await phone.beat()
            #expect(
                try await server.emittedTypes() == [
                    "phone.heartbeat.offline", "phone.heartbeat.offline", "phone.heartbeat.online",
                ])
        }
    }

    @Test func aHeartbeatPutsTheOutageOff() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (phone, fence) = (try await account.makePhone(), try await account.makePhone("+18005550188"))
            _ = try await phone.beat()
            _ = try await fence.beat()
            server.advance(by: .seconds(1_800))
            _ = try await phone.beat()

            server.advance(by: .seconds(1_801))
            try await Self.isEmitted(["phone.heartbeat.offline"], on: server)

            server.advance(by: .seconds(1_800))
            try await Self.isEmitted(["phone.heartbeat.offline", "phone.heartbeat.offline"], on: server)
        }
    }

    @Test func aPhoneThatWasNeverHeardIsNeitherOfflineNorOnline() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (silent, fence) = (try await account.makePhone(), try await account.makePhone("+18005550188"))
            _ = try await fence.beat()

            server.advance(by: .seconds(7_200))
            try await Self.isEmitted(["phone.heartbeat.offline"], on: server)

            _ = try await silent.beat()
            #expect(try await server.emittedTypes() == ["phone.heartbeat.offline"])
        }
    }

    @Test func aDeletedPhoneIsNotMissed() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (phone, fence) = (try await account.makePhone(), try await account.makePhone("+18005550188"))
            _ = try await phone.beat()
            _ = try await fence.beat()
            _ = try await account.client.delete("/v1/phones/\(phone.id)")

            server.advance(by: .seconds(3_601))

            try await Self.isEmitted(["phone.heartbeat.offline"], on: server)
            #expect(try await account.client.get("/v1/heartbeats?owner=18005550199").data.array.count == 1)
        }
    }

    @Test func anOutageThatBeginsWhileTheServerIsAwayIsToldOnceAfterAWhile() async throws {
        let clock = AdjustableClock()
        try await withTemporaryDirectory { directory in
            try await withServer(in: directory, clock: clock) { server in
                let account = try await server.makeAccount(apiKey: "test-user-api-key")
                _ = try await account.makePhone().beat()
            }
            clock.advance(by: .seconds(3_000))
            try await withServer(in: directory, clock: clock) { server in
                // 3,000 s of silence are no outage, and phones get 15 minutes to be heard after the server's absence.
                #expect(try await server.emittedTypes() == [])
                server.advance(by: .seconds(650))
                #expect(try await server.emittedTypes() == [])
                server.advance(by: .seconds(251))
                try await Self.isEmitted(["phone.heartbeat.offline"], on: server)
            }
            clock.advance(by: .seconds(60))
            try await withServer(in: directory, clock: clock) { server in
                let user = server.client(key: "test-user-api-key")
                _ = try await user.post("/v1/heartbeats", ["owner": "+18005550199"])
                #expect(
                    try await server.emittedTypes() == ["phone.heartbeat.offline", "phone.heartbeat.online"])
            }
        }
    }

    @Test func bothEventsNameThePhoneAndOneMonitor() async throws {
        try await WebhookReceiver.run { receiver in
            let url = receiver.url()
            try await withServer(["HEARTBEAT_OFFLINE_AFTER": "10m"]) { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(url)
                let first = try await phone.beat().data[0]["timestamp"]
                server.advance(by: .seconds(601))
                let offline = try await receiver.event("phone.heartbeat.offline").json["data"]
                let second = try await phone.beat().data[0]["timestamp"]
                let online = try await receiver.event("phone.heartbeat.online").json["data"]

                #expect(offline["phone_id"].string == phone.id)
                #expect(offline["last_heartbeat_timestamp"] == first)
                #expect(online["last_heartbeat_timestamp"] == second)
                #expect(offline["monitor_id"].string.count == 36)
                #expect(online["monitor_id"] == offline["monitor_id"])
            }
        }
    }
}
