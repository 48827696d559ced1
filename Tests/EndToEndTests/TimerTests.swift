import NIOHTTP1
import TestSupport
import Testing

extension PatientTests {
    /// What becomes due while the server is away, or shortly after it came back, still happens, and once.
    @Suite struct Timers {
        private static let offline = "phone.heartbeat.offline"
        private static let online = "phone.heartbeat.online"
        private static let expired = "message.send.expired"

        @Test(.timeLimit(.minutes(15)), arguments: Installation.End.allCases)
        func aPhoneGoesOfflineOnceAcrossARestart(end: Installation.End) async throws {
            try await withTimers { client, receiver in
                try await beat(client)
                try await client.installation.stop(end)
                try await client.installation.serve()
                try await until("offline event") { receiver.count(of: Self.offline) > 0 }
                try await client.installation.stop(end)
                try await client.installation.serve()
                try await beat(client)
                try await until("online event") { receiver.count(of: Self.online) > 0 }
                try await client.installation.stop(end)
                try await client.installation.serve()
                try await expectNoMore(client, receiver)

                // A start of more than 2 s is one more silence.
                let arrivals = receiver.arrivals
                let silences = Set(arrivals.filter { $0.type == Self.offline }.map(\.id)).count
                let second = silences > 1 ? [Self.offline] : []
                expect([Self.offline, Self.online, "message.phone.received"] + second, arrivals, end)
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: Installation.End.allCases)
        func aPhoneThatFallsSilentWhileTheServerIsAwayGoesOffline(end: Installation.End) async throws {
            try await withTimers { client, receiver in
                try await beat(client)
                let silentSince = ContinuousClock.now
                try await client.installation.stop(end)
                try await until("the offline time has passed") { .now - silentSince > .seconds(3) }

                try await client.installation.serve()
                try await until("offline event") { receiver.count(of: Self.offline) > 0 }
                try await expectNoMore(client, receiver)

                expect([Self.offline, "message.phone.received"], receiver.arrivals, end)
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: Installation.End.allCases)
        func aMessageExpiresOnceAcrossARestart(end: Installation.End) async throws {
            try await withTimers { client, receiver in
                let id = try await send(client)
                try await client.installation.stop(end)
                try await client.installation.serve()
                try await until("expired event") { receiver.count(of: Self.expired) > 0 }
                try await client.installation.stop(end)
                try await client.installation.serve()
                try await expectNoMore(client, receiver)

                expect([Self.expired, "message.phone.received"], receiver.arrivals, end)
                #expect(receiver.arrivals.first?.messageID == id)
                #expect(try await client.call(.GET, "/v1/messages/\(id)")["status"] == "expired")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aMessageExpiresWhoseTimeEndedWhileTheServerWasAway() async throws {
            try await withTimers { client, receiver in
                let id = try await send(client)
                let sentAt = ContinuousClock.now
                try await until("the message is handed out") {
                    try await client.call(.GET, "/v1/messages/\(id)")["status"] == "scheduled"
                }
                try await client.installation.stop(.sigkill)
                try await until("the expiration has passed") { .now - sentAt > .seconds(3) }

                try await client.installation.serve()
                try await until("expired event") { receiver.count(of: Self.expired) > 0 }
                try await expectNoMore(client, receiver)

                expect([Self.expired, "message.phone.received"], receiver.arrivals, .sigkill)
            }
        }

        /// A server whose phones are offline after 2 s of silence and whose messages expire after 2 s.
        private func withTimers(_ body: (Client, WebhookReceiver) async throws -> Void) async throws {
            try await withReceiver { receiver in
                let settings = ["HEARTBEAT_OFFLINE_AFTER": "2s", "MESSAGE_EXPIRATION_MIN": "1s"]
                try await withInstallation(settings) { installation in
                    let client = Client(installation: installation)
                    try await client.setUp(phone: ["max_send_attempts": 1, "message_expiration_seconds": 2])
                    try await client.webhook(
                        receiver.baseURL + "/hook",
                        events: [Self.offline, Self.online, Self.expired, "message.phone.received"])
                    try await body(client, receiver)
                }
            }
        }

        private func beat(_ client: Client) async throws {
            try await client.call(
                .POST, "/v1/heartbeats", ["charging": true, "phone_numbers": [.text(Client.owner)]])
        }

        private func send(_ client: Client) async throws -> String {
            let message = try await client.call(
                .POST, "/v1/messages/send", ["from": .text(Client.owner), "to": "+18005550100", "content": "Hi"])
            return try #require(message["id"].text)
        }

        /// Each event is made once, and sent in no particular order. A kill may come between an answer and its record, and then it
        /// is sent again.
        private func expect(_ types: [String], _ arrivals: [WebhookReceiver.Arrival], _ end: Installation.End) {
            var seen: Set<String> = []
            #expect(arrivals.filter { seen.insert($0.id).inserted }.map(\.type).sorted() == types.sorted())
            if end == .sigterm { #expect(arrivals.count == types.count) }
        }

        /// Waits for an event that is made after all that could come twice.
        private func expectNoMore(_ client: Client, _ receiver: WebhookReceiver) async throws {
            try await client.receive("the last one", number: 1)
            try await until("the last event") { receiver.count(of: "message.phone.received") > 0 }
        }
    }
}
