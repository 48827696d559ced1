import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// A receiver on the server itself, from the command line.
    @Suite struct PlayCommands {
        @Test(.timeLimit(.minutes(15)))
        func anEventIsWatchedArrivingWithoutAReceiver() async throws {
            try await withUser { user, client in
                #expect(try await user.run("webhook", "play", "--list").end == .exited(5))
                let process = try user.installation.start(
                    ["webhook", "play", "--count", "1", "--json"], settings: user.settings)
                try await until("the playground is open") { process.errors.contains("Waiting for events") }
                try await client.receive("Hello \u{1b}[2J", number: 1)
                #expect(try await process.wait() == .exited(0), "\(process.errors)")
                let request = try JSONDecoder().decode(JSONValue.self, from: Data(process.output.utf8))
                #expect(request["signature"] == "valid" && request["event_problem"] == .null, "\(process.output)")
                #expect(request["event_type"] == "message.phone.received")

                // The same again: neither another playground nor another webhook.
                let again = try user.installation.start(
                    ["webhook", "play", "--count", "1"], settings: user.settings)
                try await until("the playground is open") { again.errors.contains("Waiting for events") }
                try await client.receive("Again", number: 2)
                #expect(try await again.wait() == .exited(0), "\(again.errors)")
                #expect(again.output.hasPrefix("2  ") && again.output.contains("  valid"), "\(again.output)")
                #expect(try await user.json("webhook", "list").elements.count == 1)
                let list = try await user.run("webhook", "play", "--list")
                #expect(list.output.split(separator: "\n").count == 3, "\(list.output)")

                #expect(try await user.run("webhook", "play", "--delete").end == .exited(0))
                #expect(try await user.json("webhook", "list").elements.isEmpty)
                #expect(try await user.run("webhook", "play", "--delete").end == .exited(5))
                #expect(try await user.run("webhook", "play", "--list", "--delete").end == .exited(2))
                #expect(try await user.run("webhook", "play", "--count", "0").end == .exited(2))
            }
        }
    }
}
