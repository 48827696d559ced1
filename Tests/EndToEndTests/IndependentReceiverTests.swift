import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// What the server sends is judged by libraries that know nothing of it: PyJWT and the SDK of CloudEvents.
    @Suite struct IndependentReceiver {
        @Test(.timeLimit(.minutes(15)))
        func aDeliveryIsAWebhookForOtherPeoplesLibraries() async throws {
            try await withReceiver { receiver in
                try await withInstallation { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    let url = receiver.baseURL + "/hook"
                    try await client.webhook(url, events: ["message.phone.received"])
                    let id = try await client.receive("Grüße \"an\" <alle> \u{1F44B}\n\u{2028}", number: 1)
                    try await until("the delivery") { receiver.count == 1 }
                    let arrival = try #require(receiver.arrivals.first)

                    let judgement = try await judge(arrival, key: Client.signingKey, audience: url, installation)

                    #expect(arrival.headers["content-type"] == "application/json")
                    #expect(arrival.headers["x-event-type"] == "message.phone.received")
                    #expect(arrival.headers["content-length"] == "\(arrival.body.count)")
                    #expect(judgement["claims"]["aud"] == [.text(url)])
                    #expect(judgement["claims"]["sub"] == "owner")
                    #expect(judgement["claims"]["lifetime"] == 600)
                    #expect(judgement["claims"]["leeway"] == 600)
                    #expect(judgement["event"]["type"] == "message.phone.received")
                    #expect(judgement["event"]["source"] == "/v1/messages/receive")
                    #expect(judgement["event"]["id"].text == arrival.id)
                    #expect(judgement["data"]["message_id"].text == id)
                    #expect(judgement["data"]["content"] == "Grüße \"an\" <alle> \u{1F44B}\n\u{2028}")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theJudgeRefusesWhatWasSignedWithAnotherKeyOrForAnotherURL() async throws {
            try await withReceiver { receiver in
                try await withInstallation { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    let url = receiver.baseURL + "/hook"
                    try await client.webhook(url, events: ["message.phone.received"])
                    try await client.receive("Hello", number: 1)
                    try await until("the delivery") { receiver.count == 1 }
                    let arrival = try #require(receiver.arrivals.first)

                    let otherKey = String(repeating: "other ", count: 8)
                    let wrongKey = try await judge(arrival, key: otherKey, audience: url, installation)
                    let wrongURL = try await judge(
                        arrival, key: Client.signingKey, audience: url + "/", installation)

                    #expect(wrongKey["refused"] == "InvalidSignatureError")
                    #expect(wrongURL["refused"] == "InvalidAudienceError")
                }
            }
        }

        /// Hands a request to `Judges/receiver.py` and reads what it says.
        private func judge(
            _ arrival: WebhookReceiver.Arrival, key: String, audience: String, _ installation: Installation
        ) async throws -> JSONValue {
            guard let interpreter = ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"], !interpreter.isEmpty else {
                throw TestFailure(
                    "HTTPSMS_PYTHON does not name a Python interpreter with the packages of Tests/requirements.txt: "
                        + "run `make test`, which makes one and sets it")
            }
            let request: JSONValue = [
                "headers": .object(arrival.headers.mapValues { .text($0) }),
                "body": .text(Data(arrival.body).base64EncodedString()), "key": .text(key),
                "audience": .text(audience),
            ]
            let path = installation.folder + "/\(UUID().uuidString).json"
            try JSONEncoder().encode(request).write(to: URL(filePath: path))
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Judges/receiver.py").path
            let process = try ChildProcess(
                interpreter, ["-B", script, path], environment: ["PATH": "/usr/bin:/bin"], logs: path)
            defer { process.killNow() }
            guard try await process.wait() == .exited(0) else {
                throw TestFailure("receiver.py failed (does HTTPSMS_PYTHON have its packages?): \(process.errors)")
            }
            return try JSONDecoder().decode(JSONValue.self, from: Data(process.output.utf8))
        }
    }
}
