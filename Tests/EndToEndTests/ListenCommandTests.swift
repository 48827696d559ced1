import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// `httpsms webhook listen`, `events tail` and `trigger` beside the real server and a receiver.
    @Suite struct ListenCommand {
        private static let key = "listening-signing-key"

        @Test(.timeLimit(.minutes(15)))
        func eventsAreForwardedAsTheServerDeliversThem() async throws {
            try await withReceiver { receiver in
                try await withListener(to: receiver.baseURL + "/local", ["--signing-key", Self.key]) {
                    client, listener in
                    try await client.webhook(receiver.baseURL + "/real", events: ["message.phone.received"])
                    try await client.receive("Grüße \u{1F44B}", number: 1)

                    try await until("both requests") { receiver.count == 2 }
                    let local = try #require(receiver.arrivals.first { $0.path == "/local" })
                    let real = try #require(receiver.arrivals.first { $0.path == "/real" })
                    #expect(local.body == real.body)
                    #expect(local.headers.keys.sorted() == real.headers.keys.sorted())
                    for name in ["content-type", "x-event-type", "user-agent", "webhook-id", "x-httpsms-attempt"] {
                        #expect(local.headers[name] == real.headers[name], "\(name)")
                    }
                    try await until("the line") { listener.output.contains("-> 200 in ") }
                    #expect(listener.output.contains("message.phone.received   \(local.id)  -> 200 in "))
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func nothingIsLostOrForwardedTwiceWhenTheServerIsKilled() async throws {
            try await withReceiver { receiver in
                let port = try freePort()
                try await withListener(to: receiver.baseURL + "/local", ["--json"], port: port) { client, listener in
                    #expect(listener.errors.contains("signing key: "))
                    try await client.receive("1", number: 1)
                    try await until("the first event") { receiver.count == 1 }

                    try await client.installation.stop(.sigkill)
                    try await until("the listener noticed") { listener.errors.contains("in 1.0 seconds") }
                    try await client.installation.serve()
                    try await client.receive("2", number: 2)
                    try await client.receive("3", number: 3)

                    try await until("the others") { receiver.count == 3 }
                    #expect(receiver.arrivals.map { $0.event["data"]["content"].text } == ["1", "2", "3"])
                    try await until("three lines") { listener.output.split(separator: "\n").count == 3 }
                    let lines = try listener.output.split(separator: "\n").map {
                        try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8))
                    }
                    #expect(lines.map(\.["position"]) == [1, 2, 3])
                    #expect(lines.allSatisfy { $0["status_code"] == 200 && $0["error"] == .null })
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aPortIsEnoughAndTheKeyOfThisMachineStays() async throws {
            try await withReceiver { receiver in
                try await withInstallation { installation in
                    receiver.react { _, _ in .answer(401) }
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await client.receive("Hello", number: 1)
                    let user = CommandLineUser(installation)
                    let address = String(receiver.baseURL.dropFirst("http://".count)) + "/local"
                    var keys: Set<String> = []
                    for target in [address, String(receiver.baseURL.split(separator: ":").last ?? "")] {
                        let listener = try installation.start(
                            ["webhook", "listen", target, "--after", "0", "--print-json"], settings: user.settings)
                        try await until("the line and the body") {
                            listener.output.contains(#""content":"Hello""#)
                        }
                        #expect(listener.output.contains("(does the receiver have this signing key?)"))
                        let key = try #require(listener.errors.firstMatch(of: /signing key: (\S+)/)?.1)
                        keys.insert(String(key))
                        listener.signal(SIGTERM)
                        _ = try await listener.wait()
                    }
                    #expect(keys.count == 1)
                    #expect(receiver.arrivals.map(\.path) == ["/local", "/"])
                    let path = installation.folder + "/.config/httpsms/signing-key"
                    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                    #expect(mode == 0o600)
                    let nowhere = try await user.run("webhook", "listen")
                    #expect(nowhere.end == .exited(2))
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whoDoesNotAnswerIsReportedAndTheNextEventGoesOn() async throws {
            try await withReceiver { receiver in
                receiver.react { arrival, _ in
                    .answer(arrival.event["data"]["content"].text == "bad" ? 500 : 204)
                }
                try await withListener(to: receiver.baseURL + "/local", []) { client, listener in
                    try await client.receive("bad", number: 1)
                    try await client.receive("good", number: 2)

                    try await until("both lines") { listener.output.split(separator: "\n").count == 2 }
                    #expect(listener.output.contains("-> 500 in "))
                    #expect(listener.output.contains("-> 204 in "))
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theLogIsFollowedFromAPosition() async throws {
            try await withInstallation { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                for number in 1...3 { try await client.receive("\(number)", number: number) }
                let user = CommandLineUser(installation)

                let tail = try installation.start(
                    ["events", "tail", "--after", "1", "--types", "message.phone.received"], settings: user.settings)
                try await until("both lines") { tail.output.split(separator: "\n").count == 2 }
                #expect(tail.output.hasPrefix("#2  "))
                #expect(tail.output.contains("\n#3  "))
                let asJSON = try installation.start(
                    ["events", "tail", "--after", "2", "--json"], settings: user.settings)
                try await until("the line") { asJSON.output.hasSuffix("\n") }
                let item = try JSONDecoder().decode(JSONValue.self, from: Data(asJSON.output.utf8))
                #expect(item["event"]["data"]["content"] == "3")
                #expect(try await user.json("events", "list", "--after", "2") == [item])
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aSampleNeedsNoServer() async throws {
            try await withReceiver { receiver in
                try await withInstallation { installation in
                    let trigger = { (url: String) in
                        try await installation.run(
                            "trigger", "message.send.expired", "--forward-to", url, "--signing-key", Self.key, "--json")
                    }

                    let taken = try await trigger(receiver.baseURL + "/hook")
                    receiver.react { _, _ in .answer(400) }
                    let refused = try await trigger(receiver.baseURL + "/hook")
                    let nobody = try await trigger("http://127.0.0.1:\(try freePort())/")

                    #expect([taken.end, refused.end, nobody.end] == [.exited(0), .exited(1), .exited(3)])
                    #expect(receiver.arrivals.map(\.type) == ["message.send.expired", "message.send.expired"])
                    let outcome = try JSONDecoder().decode(JSONValue.self, from: Data(taken.output.utf8))
                    #expect(outcome["event_id"].text == receiver.arrivals.first?.id)
                    #expect(nobody.output.contains(#""error":"connect_failed""#), "\(nobody.output)")
                }
            }
        }

        /// Runs `body` beside a server and a listener that is connected to it.
        private func withListener(
            to url: String, _ options: [String], port: Int = 0, _ body: (Client, ChildProcess) async throws -> Void
        ) async throws {
            try await withInstallation(["HTTP_PORT": "\(port)"]) { installation in
                let client = Client(installation: installation)
                try await client.setUp()
                let listener = try installation.start(
                    ["webhook", "listen", "--forward-to", url] + options,
                    settings: CommandLineUser(installation).settings)
                try await until("the listener is connected") {
                    if let end = listener.end { throw TestFailure("the listener ended: \(end) \(listener.errors)") }
                    return listener.errors.contains("connected to")
                }
                try await body(client, listener)
            }
        }
    }
}
