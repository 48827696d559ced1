import ArgumentParser
import Foundation
import Gateway
import PhoneSimulator

struct Phone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Simulate a phone.", subcommands: [Simulate.self])

    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Be a phone: register, take pushes, fetch messages, report what became of them.",
            discussion: """
                Works as the Android app does, over HTTP, and prints a line for each thing done. It is its own Firebase:
                start the server with FCM_ENDPOINT=http://127.0.0.1:9191. Durations are written 300ms, 90s, 10m, 1h.
                Ends with a summary on SIGINT and SIGTERM.
                """)

        @Option(help: "Where the server is.")
        var url = "http://127.0.0.1:8000"

        @Option(help: "The phone's API key.")
        var apiKey: String

        @Option(help: "The phone's number, such as +18005550199.")
        var number: String

        @Option(help: "SIM1 or SIM2 (default: SIM1)")
        var sim: String?

        @Option(help: "The part of messages that fail, from 0 to 1 (default: 0)")
        var failRate: String?

        @Option(help: "From fetching a message to SENT, and again to DELIVERED (default: 300ms)")
        var latency: String?

        @Option(help: "When to fall silent (default: never)")
        var offlineAfter: String?

        @Option(help: "How often an SMS comes in (default: never)")
        var receiveEvery: String?

        @Option(help: "How often a call is missed (default: never)")
        var missedCallEvery: String?

        @Option(help: "Where pushes are taken, with port 0 for a free one (default: 127.0.0.1:9191)")
        var listen: String?

        private func settings() throws -> PhoneSimulator.Settings {
            try PhoneSimulator.Settings(
                .init([
                    "url": url, "api-key": apiKey, "number": number, "sim": sim, "fail-rate": failRate,
                    "latency": latency, "offline-after": offlineAfter, "receive-every": receiveEvery,
                    "missed-call-every": missedCallEvery, "listen": listen,
                ]))
        }

        func validate() throws {
            do { _ = try settings() } catch { throw ValidationError("\(error)") }
        }

        func run() async throws {
            try await PhoneSimulator.runAlone(try settings()) { line in
                Terminal.line(line)
            }
        }
    }
}
