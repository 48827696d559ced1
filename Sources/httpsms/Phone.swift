import ArgumentParser
import Foundation
import PhoneSimulator

struct Phone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Connect a phone, list the phones of the account, or simulate one.",
        subcommands: [PhoneList.self, Pair.self, Simulate.self])

    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Simulate a phone: register, receive pushes, fetch messages, report their status.",
            discussion: """
                Does over HTTP what an Android app does, and prints a line for each step. As the httpSMS app \
                (--api-key, --number) it stands in for Firebase, too: start the server with \
                FCM_ENDPOINT=http://127.0.0.1:9191. As the SMSGate app (--app smsgate with --code or --private-token) \
                it needs only the server. Durations are written 300ms, 90s, 10m, 1h. Ends with a summary on SIGINT and \
                SIGTERM.

                Example:
                  httpsms phone simulate --api-key pk_... --number +18005550199
                """)

        @Option(help: "httpsms or smsgate (default: httpsms)")
        var app: String?

        @Option(help: "Where the server is; for smsgate also the app's API URL, which ends in /api/mobile/v1.")
        var url = "http://127.0.0.1:8000"

        @Option(help: "httpsms: the phone's API key.")
        var apiKey: String?

        @Option(help: "httpsms: the phone's number, such as +18005550199.")
        var number: String?

        @Option(help: "smsgate: the code that pairs the phone.")
        var code: String?

        @Option(help: "smsgate: the private token that pairs the phone.")
        var privateToken: String?

        @Option(help: "smsgate: the app's version (default: 1.68.0)")
        var appVersion: String?

        @Option(help: "smsgate: by how many seconds the phone's clock is ahead (default: 0)")
        var clockError: String?

        @Option(help: "smsgate: how many SIM cards are in the phone (default: 1)")
        var sims: String?

        @Option(help: "httpsms: SIM1 or SIM2 (default: SIM1)")
        var sim: String?

        @Option(help: "Fraction of messages that fail, 0 to 1 (default: 0)")
        var failRate: String?

        @Option(help: "From fetching a message to SENT, and again to DELIVERED (default: 300ms)")
        var latency: String?

        @Option(help: "When to fall silent (default: never)")
        var offlineAfter: String?

        @Option(help: "How often an SMS comes in (default: never)")
        var receiveEvery: String?

        @Option(help: "httpsms: how often a call is missed (default: never)")
        var missedCallEvery: String?

        @Option(help: "httpsms: the address that receives pushes, with port 0 for a free one (default: 127.0.0.1:9191)")
        var listen: String?

        private enum Kind {
            case httpSMS(PhoneSimulator.Settings)
            case smsGate(SMSGateSimulator.Settings)
        }

        private func kind() throws -> Kind {
            let options = PhoneSimulator.Settings.Options([
                "url": url, "api-key": apiKey, "number": number, "sim": sim, "fail-rate": failRate, "latency": latency,
                "offline-after": offlineAfter, "receive-every": receiveEvery, "missed-call-every": missedCallEvery,
                "listen": listen, "code": code, "private-token": privateToken, "app-version": appVersion,
                "clock-error": clockError, "sims": sims,
            ])
            switch app {
            case nil, "httpsms": return .httpSMS(try PhoneSimulator.Settings(options))
            case "smsgate": return .smsGate(try SMSGateSimulator.Settings(options))
            default: throw ValidationError("--app must be httpsms or smsgate")
            }
        }

        func validate() throws {
            do { _ = try kind() } catch { throw ValidationError("\(error)") }
        }

        func run() async throws {
            switch try kind() {
            case .httpSMS(let settings): try await PhoneSimulator.runAlone(settings) { Terminal.line($0) }
            case .smsGate(let settings): try await SMSGateSimulator.runAlone(settings) { Terminal.line($0) }
            }
        }
    }
}
