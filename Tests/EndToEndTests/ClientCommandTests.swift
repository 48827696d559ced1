import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// The commands that speak to a server over HTTP, against the real one.
    @Suite struct ClientCommands {
        @Test(.timeLimit(.minutes(15)))
        func aWebhookIsMadeTriedChangedAndDeleted() async throws {
            try await withReceiver { receiver in
                try await withUser { user, _ in
                    let url = receiver.baseURL + "/hook"
                    let made = try await user.json("webhook", "create", "--callback", url)
                    let id = try #require(made["id"].text)
                    #expect(made["signing_key"].text?.count == 64)
                    #expect(made["events"].elements.count == 8)
                    #expect(made["phone_numbers"] == [.text(Client.owner)])

                    let list = try await user.run("webhook", "list")
                    #expect(list.output.contains("\(id)  active  \(url)  all     1"), "\(list.output)")

                    let tried = try await user.run("webhook", "test", id, "--event", "message.call.missed")
                    #expect(tried.end == .exited(0), "\(tried.errors)")
                    #expect(tried.output.contains("status:     succeeded"), "\(tried.output)")
                    #expect(receiver.arrivals.map(\.type) == ["message.call.missed"])

                    let changed = try await user.json(
                        "webhook", "update", id, "--event", "message.call.missed", "--ordering", "message")
                    #expect(changed["events"] == ["message.call.missed"])
                    #expect(changed["ordering"] == "message")
                    #expect(changed["url"] == .text(url))
                    #expect(changed["signing_key"] == made["signing_key"])

                    #expect(try await user.json("webhook", "pause", id)["status"] == "paused")
                    #expect(try await user.json("webhook", "resume", id, "--rate", "5")["status"] == "active")
                    let rotated = try await user.json("webhook", "rotate", id, "--overlap", "90s")
                    #expect(rotated["signing_key"] != made["signing_key"])
                    #expect(rotated["previous_signing_key_expires_at"] != .null)
                    let finished = try await user.json("webhook", "rotate", id, "--finish")
                    #expect(finished["previous_signing_key_expires_at"] == .null)

                    let nowhere = "http://127.0.0.1:\(try freePort())/hook"
                    #expect(
                        try await user.json("webhook", "update", id, "--callback", nowhere)["url"] == .text(nowhere))
                    let lost = try await user.run("webhook", "test", id, "--json")
                    #expect(lost.end == .exited(1))
                    #expect(lost.output.contains(#""last_error":"connect_failed""#), "\(lost.output)")
                    #expect(lost.errors.hasSuffix("there was no answer (connect_failed)\n"), "\(lost.errors)")

                    let deleted = try await user.run("webhook", "delete", id)
                    #expect(deleted.output == "webhook deleted successfully\n")
                    #expect(try await user.json("webhook", "list") == [])
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatFailedIsLookedAtAndSentAgain() async throws {
            try await withReceiver { receiver in
                try await withUser { user, client in
                    receiver.react { _, _ in .answer(400) }
                    let id = try await client.webhook(receiver.baseURL + "/hook", events: ["message.phone.received"])
                    let message = try await client.receive("Hello", number: 1)
                    var failed: JSONValue = .null
                    try await until("the delivery has failed") {
                        failed = try await user.json("webhook", "deliveries", id, "--status", "failed")
                        return failed.elements.count == 1
                    }
                    let delivery = try #require(failed.elements.first?["id"].text)
                    for (code, count) in [("400", 1), ("599", 0)] {
                        let answered = try await user.json(
                            "webhook", "deliveries", id, "--since", "1h", "--status-code", code)
                        #expect(answered.elements.count == count)
                    }
                    for (contact, count) in [("+18005550100", 1), ("+18005550101", 0)] {
                        let told = try await user.json("webhook", "deliveries", id, "--contact", contact)
                        #expect(told.elements.count == count)
                    }
                    #expect(try await user.json("webhook", "deliveries", id, "--until", "1h").elements.isEmpty)
                    #expect(try await user.json("webhook", "deliveries", id, "--tried").elements.count == 1)

                    let shown = try await user.run("webhook", "delivery", delivery)
                    #expect(shown.output.contains("400"), "\(shown.output)")
                    let refused = try await user.run("webhook", "retry", delivery)
                    #expect(refused.end == .exited(1))
                    #expect(refused.errors == "Error: the endpoint did not accept the event: the answer was 400\n")

                    receiver.react { _, _ in .answer(200) }
                    let retried = try await user.json("webhook", "retry", delivery)
                    #expect(retried["status"] == "succeeded")
                    #expect(retried["attempts"].elements.count == 3)

                    let replay = try await user.json(
                        "webhook", "replay", id, "--since", "1h", "--status", "succeeded", "--event",
                        "message.phone.received", "--status-code", "200", "--contact", "+18005550100")
                    #expect(replay["status"] == "completed")
                    #expect(replay["replayed"] == 1)
                    try await until("the replayed delivery") { receiver.answers(200) == 2 }
                    #expect(Set(receiver.arrivals.map(\.messageID)) == [message])
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func anSMSIsSentAndEventsAreLookedAt() async throws {
            try await withUser { user, client in
                let sent = try await user.json(
                    "send", "--from", Client.owner, "--to", "+18005550100", "--content", "Hello", "--request-id",
                    "order-7",
                    "--encryption-key", "Password123")
                let id = try #require(sent["id"].text)
                let message = try await client.call(.GET, "/v1/messages/\(id)")
                #expect(message["request_id"] == "order-7")
                #expect(message["encrypted"] == true)
                #expect(message["content"].text.flatMap { Data(base64Encoded: $0)?.count } == 16 + 5)

                try await client.receive("It\u{1b}[31m is red", number: 1)
                let events = try await user.json("events", "list", "--after", "0")
                let event = try #require(events.elements.first?["event"])
                #expect(event["type"] == "message.phone.received")
                let shown = try await user.run("events", "show", event["id"].text ?? "")
                #expect(shown.output.contains("content:   It [31m is red"), "\(shown.output)")
                #expect(shown.output.contains("The account had no webhook then."))
                let preview = try await user.run("webhook", "preview", "--format", "ntfy")
                #expect(preview.output.hasSuffix("\nIt [31m is red\n"), "\(preview.output)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatAnswersWithoutEventsIsNotFollowed() async throws {
            try await withReceiver { receiver in
                try await withUser { user, _ in
                    let tail = try await user.run("events", "tail", "--url", receiver.baseURL)

                    #expect(tail.end == .exited(1))
                    #expect(tail.errors.contains("something else than events: is --url"), "\(tail.errors)")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theEndTellsWhatIsWrong() async throws {
            try await withUser { user, _ in
                let id = "01a213dd-60a3-7aa1-9dd8-46a74f39c85b"
                let cases: [(arguments: [String], status: Int32, says: String)] = [
                    (
                        ["webhook", "create", "--callback", "notaurl"], 2,
                        "--callback must begin with https:// or http://"
                    ),
                    (["webhook", "create", "--callback", "http://"], 1, "url: The url field format is invalid"),
                    (["webhook", "deliveries", id, "--since", "yesterday"], 2, "--since must be a time such as"),
                    (["webhook", "update", id], 2, "name what is to change; `httpsms webhook update --help`"),
                    (["webhook", "replay", id, "--since", "yesterday"], 2, "--since must be a time such as"),
                    (["webhook", "rotate", id, "--overlap", "soon"], 2, "--overlap must be a duration"),
                    (["events", "tail", "--after", "-1"], 2, "--after"),
                    (["events", "tail", "--types", "nonsense"], 1, "invalid event with name [nonsense]"),
                    (["trigger", "message.phone.sent"], 2, "give either --webhook or --forward-to"),
                    (["trigger", "x", "--forward-to", "http://localhost:1"], 2, "there is no event 'x'"),
                    (["send", "--from", "1"], 2, "Missing expected argument '--to <to>'"),
                    (["webhook", "list", "--url", "http://127.0.0.1:\(try freePort())"], 3, "Connection refused"),
                    (["webhook", "list", "--url", "example.com"], 2, "--url: "),
                    (["webhook", "list", "--api-key", "uk_nonsense"], 4, "answered 401"),
                    (["webhook", "delete", id], 5, "cannot find webhook with ID [\(id)]"),
                    (["webhook", "update", id, "--callback", "https://x.example"], 5, "there is no webhook \(id)"),
                    // What steers a terminal is taken out.
                    (["webhook", "update", "x\u{1b}[2J", "--callback", "https://x.example"], 5, "no webhook x [2J;"),
                    (["webhook", "nonsense"], 2, "nonsense"),
                ]
                for (arguments, status, says) in cases {
                    let process = try user.installation.start(arguments, settings: user.settings)
                    #expect(try await process.wait() == .exited(status), "\(arguments): \(process.errors)")
                    #expect(process.errors.contains(says), "\(arguments): \(process.errors)")
                    #expect(process.output.isEmpty)
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func loginStoresTheKeyForItsServerOnly() async throws {
            try await withUser { user, _ in
                let installation = user.installation
                let url = installation.baseURL
                let wrong = try await installation.run("login", "--url", url, "--api-key", "uk_nonsense")
                #expect(wrong.end == .exited(4))
                let without = try await installation.run("webhook", "list")
                #expect(without.end == .exited(4))
                #expect(without.errors.contains("store one with `httpsms login`"), "\(without.errors)")

                let login = try await installation.run("login", "--url", url + "/", "--api-key", Client.apiKey)
                #expect(login.end == .exited(0), "\(login.errors)")
                #expect(!login.output.contains(Client.apiKey))

                let path = installation.folder + "/.config/httpsms/config.json"
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                #expect(try await installation.run("webhook", "list").end == .exited(0))
                let elsewhere = try await installation.run("webhook", "list", "--url", "http://127.0.0.1:1")
                #expect(elsewhere.end == .exited(4))
                #expect(elsewhere.errors.contains("the stored API key is for \(url)"), "\(elsewhere.errors)")
                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
                let exposed = try await installation.run("webhook", "list")
                #expect(exposed.end == .exited(2))
                #expect(exposed.errors.contains("chmod 600 \(path)"), "\(exposed.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theHostedServiceIsUnderstood() async throws {
            try await withInstallation { installation in
                let process = try IndependentSink.python(
                    "EndToEndTests/Judges/httpsms.py", [], logs: installation.folder + "/httpsms")
                defer { process.killNow() }
                let port = try await eventually("it listens") {
                    process.output.hasSuffix("\n") ? process.output.dropLast() : nil
                }
                var user = CommandLineUser(installation)
                user.settings = ["HTTPSMS_URL": "http://127.0.0.1:\(port)", "HTTPSMS_API_KEY": "uk_hosted"]
                let id = "32343a19-da5e-4b1b-a767-3298a73703cb"

                let changed = try await user.json("webhook", "update", id, "--callback", "https://example.com/new")
                #expect(changed["url"] == "https://example.com/new")
                #expect(changed["signing_key"] == "key")
                #expect(changed["events"] == ["message.phone.received"])
                let list = try await user.run("webhook", "list")
                #expect(list.output.contains("\(id)  -       https://example.com/new  1"), "\(list.output)")

                let tried = try await user.run("webhook", "test", id)
                #expect(tried.end == .exited(5))
                #expect(tried.errors.contains("This server does not have what the command asks for."))
                let redirected = try await user.run(
                    "webhook", "list", "--url", "http://127.0.0.1:\(port)/v1/redirected")
                #expect(redirected.end == .exited(1))
                #expect(redirected.errors.contains("redirects to https://elsewhere.example/"), "\(redirected.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: ["bash", "zsh", "fish"])
        func completionKnowsTheCommandsAndTheEvents(_ shell: String) async throws {
            try await withInstallation { installation in
                let script = try await installation.run("--generate-completion-script", shell)

                #expect(script.end == .exited(0))
                for word in ["conformance", "listen", "forward-to", "message.call.missed"] {
                    #expect(script.output.contains(word), "\(shell): \(word)")
                }
            }
        }
    }
}
