import Foundation
import TestSupport
import Testing

extension PhoneAppTests {
    /// `httpsms phone pair` beside the real server, and a phone that uses what it prints.
    @Suite struct PhonePairCommand {
        @Test(.timeLimit(.minutes(15)))
        func thePhoneIsWaitedForStepByStep() async throws {
            try await DeviceBench.run { bench in
                let user = CommandLineUser(bench.installation)
                let pairing = try bench.installation.start(
                    ["phone", "pair", "--number", DeviceBench.number, "--name", "Office", "--timeout", "60s"],
                    settings: user.settings)
                try await until("it asks for the code") { pairing.errors.contains("[ ] enter the code") }
                let output = pairing.output
                #expect(output.contains("█") && output.contains("/api/mobile/v1"), "\(output)")
                let code = try #require(
                    output.split(separator: "\n").first { $0.contains("Code   ") }?.split(separator: " ").last)
                #expect(code.count == 8 && code.allSatisfy(\.isNumber))

                let answer = try await bench.mobile("POST", "/device", "Code \(code)", ["name": "a52q"])
                #expect(answer.status == 201)
                try await until("it sees the phone") { pairing.errors.contains("[x] registered") }
                #expect(pairing.errors.contains("[ ] the phone has no stream"), "\(pairing.errors)")
                let phone = try bench.installation.start([
                    "phone", "simulate", "--app", "smsgate", "--url", bench.installation.baseURL + "/api/mobile/v1",
                    "--private-token", try Self.privateToken(output),
                ])
                try await until("it is done; it says \(pairing.errors); the phone \(phone.output)") {
                    pairing.end != nil
                }

                #expect(pairing.end == .exited(0), "\(pairing.errors)")
                #expect(pairing.errors.contains("[x] listens"), "\(pairing.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func withoutAPhoneItEndsAndSaysWhatIsMissing() async throws {
            try await DeviceBench.run { bench in
                let user = CommandLineUser(bench.installation)
                let waited = try await user.run("phone", "pair", "--number", DeviceBench.number, "--timeout", "1s")
                #expect(waited.end == .exited(1))
                #expect(waited.errors.contains("not connected: enter the code in the app"), "\(waited.errors)")

                let pairing = try await user.json(
                    "phone", "pair", "--number", DeviceBench.number, "--number", DeviceBench.second, "--no-wait")
                #expect(pairing["code"].text?.count == 8 && pairing["private_token"].text != nil)

                let refused = try await user.run("phone", "pair", "--number", "nobody", "--no-wait")
                #expect(refused.end == .exited(1), "\(refused.errors)")
                let wrong = try await user.run("phone", "pair", "--number", "+1", "--timeout", "soon")
                #expect(wrong.end == .exited(2), "\(wrong.errors)")
            }
        }

        private static func privateToken(_ output: String) throws -> String {
            let line = try #require(output.split(separator: "\n").first { $0.contains("Private Token ") })
            return String(try #require(line.split(separator: " ").last))
        }
    }
}
