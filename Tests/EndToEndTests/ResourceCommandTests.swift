import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// The commands for phones, their keys, messages and conversations, and `api`, against the real server.
    @Suite struct ResourceCommands {
        @Test(.timeLimit(.minutes(15)))
        func aPhoneKeyIsCreatedUsedListedAndDeleted() async throws {
            try await withUser { user, _ in
                let made = try await user.json("phone-key", "create", "--name", "my phone")
                let (id, key) = (try #require(made["id"].text), try #require(made["api_key"].text))

                let refused = try await user.run("webhook", "list", "--api-key", key)
                #expect(refused.end == .exited(4))
                #expect(refused.errors.contains("This is the key of a phone (pk_...)"), "\(refused.errors)")
                let list = try await user.run("phone-key", "list")
                #expect(list.output.contains("\(id)  my phone"), "\(list.output)")
                #expect(!list.output.contains(key))
                #expect(try await user.run("phone-key", "delete", id).end == .exited(0))
                #expect(try await !user.run("phone-key", "list").output.contains(id))
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func anAccessKeyIsCreatedUsedListedAndDeleted() async throws {
            try await withUser { user, _ in
                let made = try await user.json(
                    "access-key", "create", "--name", "Reports", "--scope", "messages:read", "--expires", "720h")
                let (id, key) = (try #require(made["id"].text), try #require(made["api_key"].text))
                #expect(made["expires_at"] != .null)

                #expect(try await user.run("whoami", "--api-key", key).end == .exited(0))
                let refused = try await user.run("webhook", "list", "--api-key", key)
                #expect(refused.end == .exited(4))
                #expect(
                    refused.errors.contains("a key with the scope deliveries:read or webhooks:manage"),
                    "\(refused.errors)")
                let list = try await user.run("access-key", "list")
                #expect(list.output.contains("\(id)  Reports  messages:read") && !list.output.contains(key))
                #expect(try await user.run("access-key", "delete", id).end == .exited(0))
                #expect(try await user.run("whoami", "--api-key", key).end == .exited(4))
                for (expires, status) in [("soon", Int32(2)), ("2000-01-01T00:00:00Z", 1)] {
                    let wrong = try await user.run(
                        "access-key", "create", "--name", "a", "--scope", "events:read", "--expires", expires)
                    #expect(wrong.end == .exited(status), "\(wrong.errors)")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func alertsAreToldWhereAndWhenSomebodyWants() async throws {
            try await withReceiver { receiver in
                try await withUser { user, _ in
                    let none = try await user.run("alert", "list")
                    let made = try await user.json(
                        "alert", "create", "--callback", receiver.baseURL + "/alerts", "--header", "X-Api-Key: abc",
                        "--timeout", "3s")
                    let id = try #require(made["id"].text)
                    let list = try await user.run("alert", "list")
                    let tried = try await user.run("alert", "test", id)

                    #expect(none.output.contains("No webhooks for alerts."), "\(none.output)")
                    #expect(made["timeout_seconds"] == 3 && made["events"] == ["*"])
                    #expect(
                        list.output.contains("\(id)  active  cloudevents  everything  \(receiver.baseURL)"),
                        "\(list.output)")
                    let changed = try await user.json("alert", "update", id, "--cause", "phone.offline")
                    #expect(changed["events"] == ["phone.offline"] && changed["timeout_seconds"] == 3)
                    #expect(tried.end == .exited(0) && tried.output.contains("succeeded"), "\(tried.errors)")
                    #expect(receiver.arrivals.map(\.type) == ["phone.offline"])
                    #expect(try await user.run("alert", "status").output == "Nothing is wrong.\n")
                    let quiet = try await user.run("alert", "quiet", "--from", "22:00", "--until", "07:00")
                    #expect(quiet.output.contains("from 22:00 until 07:00"), "\(quiet.output)")
                    #expect(try await user.json("alert", "quiet")["quiet_from"] == "22:00")
                    #expect(try await user.run("alert", "quiet", "--none").output.contains("No quiet hours"))
                    let mail = try await user.run("alert", "mail", "--no-messages")
                    #expect(
                        mail.output == "messages:  not by e-mail\nwebhooks:  by e-mail\nphones:    by e-mail\n",
                        "\(mail)")
                    #expect(try await user.run("alert", "mail").output == mail.output)
                    let switches = try await user.json("alert", "mail")
                    #expect(switches == ["messages": false, "webhooks": true, "phones": true])
                    #expect(
                        try await user.run("webhook", "callbacks").output
                            == "No message named a URL of its own in the last days.\n")
                    for (arguments, status) in [
                        (["alert", "quiet", "--from", "22:00"], Int32(2)),
                        (["alert", "quiet", "--from", "9", "--until", "10"], 1),
                        (["alert", "create", "--callback", "ftp://x"], 2), (["alert", "test", "x"], 1),
                        (["alert", "update", id], 2), (["alert", "update", id, "--cause", "x"], 1),
                    ] {
                        let process = try user.installation.start(arguments, settings: user.settings)
                        #expect(try await process.wait() == .exited(status), "\(arguments): \(process.errors)")
                    }
                    #expect(try await user.run("alert", "delete", id).end == .exited(0))
                    #expect(try await user.run("alert", "delete", id).end == .exited(5))
                    #expect(try await user.json("alert", "list") == [])
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func phonesMessagesAndConversationsAreShown() async throws {
            try await withUser { user, client in
                try await client.receive("Hello \u{1b}[2J", number: 1)
                let sent = try await user.json(
                    "send", "--from", Client.owner, "--to", "+18005550100", "--content", "Bye", "--request-id", "o-7")

                let phones = try await user.run("phone", "list")
                #expect(phones.output.contains(Client.owner), "\(phones.output)")
                let list = try await user.json(
                    "message", "list", "--owner", Client.owner, "--contact", "+18005550100")
                #expect(list.elements.count == 2)
                let shown = try await user.run("message", "show", try #require(sent["id"].text))
                #expect(shown.output.contains("request id:  o-7"), "\(shown.output)")
                #expect(shown.output.contains("content:     Bye"), "\(shown.output)")
                let threads = try await user.run("thread", "list", "--owner", Client.owner)
                #expect(threads.output.contains("+18005550100"), "\(threads.output)")
                #expect(!threads.output.contains("\u{1b}"))
                let archived = try await user.run("thread", "list", "--owner", Client.owner, "--archived")
                #expect(archived.output == "No conversations.\n")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func anyRouteIsCalled() async throws {
            try await withReceiver { receiver in
                try await withUser { user, client in
                    let id = try await client.webhook(receiver.baseURL + "/hook", events: ["message.phone.received"])
                    let shown = try await user.run("webhook", "show", id)
                    #expect(shown.output.contains(receiver.baseURL), "\(shown.output)")

                    let got = try await user.json("api", "GET", "/v1/phones?limit=1")
                    #expect(got["data"].elements.first?["phone_number"] == .text(Client.owner))
                    let posted = try await user.json(
                        "api", "post", "/v1/phone-api-keys", "--data", #"{"name": "another"}"#)
                    #expect(posted["data"]["name"] == "another")
                    for (arguments, status) in [
                        (["api", "GET", "/v1/nonsense"], Int32(5)), (["api", "TRACE", "/v1/phones"], 2),
                        (["api", "GET", "v1/phones"], 2), (["api", "GET", "/v1/phones?query=a b"], 2),
                        (["api", "POST", "/v1/phone-api-keys", "--data", "{"], 2),
                        (["api", "POST", "/v1/phone-api-keys", "--data", "{}"], 1),
                        (["message", "list", "--owner", "1", "--contact", "2", "--limit", "0"], 2),
                        (["events", "list", "--limit", "101"], 2),
                    ] {
                        let process = try user.installation.start(arguments, settings: user.settings)
                        #expect(try await process.wait() == .exited(status), "\(arguments): \(process.errors)")
                    }
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aPersonIsAskedBeforeSomethingIsDeletedAndAScriptIsNot() async throws {
            try await withReceiver { receiver in
                try await withUser { user, client in
                    let ids = [
                        try await client.webhook(receiver.baseURL + "/1", events: ["message.phone.received"]),
                        try await client.webhook(receiver.baseURL + "/2", events: ["message.phone.received"]),
                        try await client.webhook(receiver.baseURL + "/3", events: ["message.phone.received"]),
                    ]
                    let refused = try await Self.typed("n", user, ["webhook", "delete", ids[0]])
                    #expect(refused.end == .exited(2) && refused.output.contains("nothing was deleted"))
                    #expect(refused.output.contains("Delete the webhook \(ids[0])?"), "\(refused.output)")
                    #expect(try await user.json("webhook", "list").elements.count == 3)

                    let agreed = try await Self.typed("y", user, ["webhook", "delete", ids[0]])
                    #expect(agreed.end == .exited(0), "\(agreed.output)")
                    let told = try await Self.typed("", user, ["webhook", "delete", ids[1], "--yes"])
                    #expect(told.end == .exited(0) && !told.output.contains("[y/N]"), "\(told.output)")
                    #expect(try await user.run("webhook", "delete", ids[2]).end == .exited(0))
                    #expect(try await user.json("webhook", "list").elements.isEmpty)
                }
            }
        }

        /// Runs a command in a terminal, where a person types `line`.
        private static func typed(
            _ line: String, _ user: CommandLineUser, _ arguments: [String]
        ) async throws -> Installation.Finished {
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Judges/terminal.py").path
            let process = try ChildProcess(
                "/usr/bin/python3", [script, line, Installation.binary] + arguments,
                environment: user.installation.environment.merging(user.settings) { $1 },
                logs: user.installation.folder + "/" + UUID().uuidString)
            let end = try await process.wait()
            return .init(end: end, output: process.output, errors: process.errors)
        }

        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                ("webhook lst", "Did you mean `httpsms webhook list`?"), ("serv", "Did you mean `httpsms serve`?"),
                ("help webook", "Did you mean `httpsms webhook`?"), ("nonsense", "There are: access-key, alert, api,"),
                ("user crate --email x", "Did you mean `httpsms user create`?"),
            ])
        func aWordThatNamesNoCommandIsOneMistakeWithOneStatus(line: String, says: String) async throws {
            try await withInstallation { installation in
                let process = try installation.start(line.split(separator: " ").map(String.init))

                #expect(try await process.wait() == .exited(2))
                #expect(process.errors.contains(says), "\(process.errors)")
                #expect(process.output.isEmpty)
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theHelpOfEveryCommandHasAnExample() async throws {
            try await withInstallation { installation in
                let dump = try await installation.run("--experimental-dump-help")
                let root = try JSONDecoder().decode(JSONValue.self, from: Data(dump.output.utf8))["command"]
                var left = [(root, "")]
                var count = 0
                while let (command, path) = left.popLast() {
                    let line = (path + " " + (command["commandName"].text ?? "")).trimmingCharacters(in: .whitespaces)
                    guard command["shouldDisplay"] != false, command["commandName"] != "help" else { continue }
                    left += command["subcommands"].elements.map { ($0, line) }
                    guard command["subcommands"].elements.isEmpty else { continue }
                    #expect(command["discussion"].text?.contains("  \(line)") == true, "\(line) has no example")
                    count += 1
                }
                #expect(count > 35)
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theServersAddressMayEndInItsVersionAndMayNotSpeakHTTPS() async throws {
            try await withUser { user, _ in
                let url = user.installation.baseURL
                #expect(try await user.run("webhook", "list", "--url", url + "/v1/").end == .exited(0))

                let https = url.replacingOccurrences(of: "http://", with: "https://")
                let refused = try await user.run("webhook", "list", "--url", https)
                #expect(refused.end == .exited(3))
                #expect(refused.errors.contains("it does not speak HTTPS: use http://"), "\(refused.errors)")
                let none = try await user.run("webhook", "list", "--cacert", "/nonsense.pem")
                #expect(none.end == .exited(2))
                #expect(none.errors.contains("--cacert: /nonsense.pem cannot be read"), "\(none.errors)")
            }
        }
    }
}
