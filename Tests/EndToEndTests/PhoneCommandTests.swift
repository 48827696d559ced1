import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms phone simulate` and `httpsms serve`, two processes, with a webhook receiver of the test's.
    @Suite struct PhoneCommand {
        private static let events = [
            "message.phone.received", "message.phone.sent", "message.phone.delivered", "message.send.failed",
            "message.call.missed",
        ]

        @Test(.timeLimit(.minutes(15)))
        func aMessageGoesFromSendToDeliveredThroughThePhone() async throws {
            try await withPhone([]) { client, receiver, phone in
                let id = try await send(client)

                try await until("both events") { receiver.count >= 2 }
                #expect(receiver.arrivals.map(\.type) == ["message.phone.sent", "message.phone.delivered"])
                #expect(receiver.arrivals.allSatisfy { $0.event["data"]["id"] == .text(id) })
                #expect(try await client.call(.GET, "/v1/messages/\(id)")["status"] == "delivered")
                phone.signal(SIGTERM)
                #expect(try await phone.wait() == .exited(0), "\(phone.errors)")
                let summary = "Summary: 1 pushes, 1 fetched, 1 sent, 1 delivered, 0 failed, "
                #expect(phone.output.contains(summary), "\(phone.output)")
                #expect(!phone.output.contains(Client.owner) && !phone.output.contains("Hi there"))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func atAFailRateOfOneEveryMessageFails() async throws {
            try await withPhone(["--fail-rate", "1"]) { client, receiver, phone in
                let id = try await send(client)

                try await until("the event") { receiver.count >= 1 }
                #expect(receiver.arrivals.map(\.type) == ["message.send.failed"])
                let message = try await client.call(.GET, "/v1/messages/\(id)")
                #expect(message["status"] == "failed")
                let reasons = ["GENERIC_FAILURE", "NO_SERVICE", "NULL_PDU", "RADIO_OFF", "LIMIT_EXCEEDED"]
                #expect(reasons.contains(message["failure_reason"].text ?? ""), "\(message)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatComesInIsToldToTheWebhook() async throws {
            let options = ["--receive-every", "200ms", "--missed-call-every", "300ms"]
            try await withPhone(options) { _, receiver, phone in
                try await until("both events") {
                    receiver.count(of: "message.phone.received") > 0 && receiver.count(of: "message.call.missed") > 0
                }
                phone.signal(SIGINT)
                #expect(try await phone.wait() == .exited(0), "\(phone.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatIsWrongIsSaidBeforeAnythingRuns() async throws {
            try await withInstallation { installation in
                let wrong = try await installation.run(
                    "phone", "simulate", "--api-key", "pk_x", "--number", Client.owner, "--latency", "fast")
                #expect(wrong.end == .exited(2))
                #expect(wrong.errors.contains("--latency must be a duration"), "\(wrong.errors)")

                try await installation.serve()
                let refused = try await installation.run(
                    "phone", "simulate", "--url", installation.baseURL, "--api-key", "pk_x", "--number", Client.owner,
                    "--listen", "127.0.0.1:0")
                #expect(refused.end == .exited(1))
                #expect(refused.errors.contains("Error: Cannot validate the API key"), "\(refused.errors)")

                let port = try #require(installation.baseURL.split(separator: ":").last)
                let taken = try await installation.run(
                    "phone", "simulate", "--url", installation.baseURL, "--api-key", "pk_x", "--number", Client.owner,
                    "--listen", "127.0.0.1:\(port)")
                #expect(taken.end == .exited(1))
                #expect(taken.errors.contains("Error: cannot listen on 127.0.0.1:\(port)"), "\(taken.errors)")
            }
        }

        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                (["--app", "nokia"], "--app must be httpsms or smsgate"),
                (["--app", "smsgate"], "--app smsgate needs either --code or --private-token"),
                (["--app", "smsgate", "--code", "12345678", "--private-token", "x"], "needs either --code or"),
                (["--app", "smsgate", "--code", "12 34"], "--code must be the digits of a pairing code"),
                (["--app", "smsgate", "--code", "1", "--url", "sms.example.com"], "--url must be the API URL"),
                (["--app", "smsgate", "--code", "1", "--app-version", "2"], "--app-version must be a version"),
                (["--app", "smsgate", "--code", "1", "--clock-error", "1e99"], "--clock-error must be seconds"),
                (["--app", "smsgate", "--code", "1", "--sims", "0"], "--sims must be 1, 2 or 3"),
                ([], "--api-key must be a phone API key"),
            ])
        func anOptionThatTheOtherAppNeedsIsNamed(options: [String], error: String) async throws {
            try await withInstallation { installation in
                let phone = try installation.start(["phone", "simulate"] + options)

                #expect(try await phone.wait() == .exited(2))
                #expect(phone.errors.contains(error), "\(phone.errors)")
            }
        }

        private func send(_ client: Client) async throws -> String {
            let draft: JSONValue = ["from": .text(Client.owner), "to": "+18005550100", "content": "Hi there"]
            return try #require(try await client.call(.POST, "/v1/messages/send", draft)["id"].text)
        }

        /// Runs `body` beside a server, a simulated phone that is registered there, and a webhook for its events.
        private func withPhone(
            _ options: [String], _ body: (Client, WebhookReceiver, ChildProcess) async throws -> Void
        ) async throws {
            let port = try freePort()
            try await withReceiver { receiver in
                try await withInstallation(["FCM_ENDPOINT": "http://127.0.0.1:\(port)"]) { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await client.webhook(receiver.baseURL + "/hook", events: Self.events, ordering: "message")
                    let key = try await client.call(.POST, "/v1/phone-api-keys", ["name": "phone"])["api_key"].text
                    let phone = try installation.start(
                        [
                            "phone", "simulate", "--url", installation.baseURL, "--api-key", key ?? "", "--number",
                            Client.owner, "--latency", "10ms", "--listen", "127.0.0.1:\(port)",
                        ] + options)
                    try await until("the phone is registered") {
                        if let end = phone.end { throw TestFailure("the phone ended with \(end): \(phone.errors)") }
                        return phone.output.contains("registered")
                    }
                    try await body(client, receiver, phone)
                }
            }
        }
    }
}
