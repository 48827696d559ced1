import JSON
import NIOHTTP1
import PhoneSimulator
import Timestamps

/// The second phone of the demonstration: one with the SMSGate app, which needs no Firebase.
extension Demonstration {
    static let secondNumber = "+18005550188"

    /// Pairs the second phone, gives its settings to `start`, and sends an SMS through it.
    ///
    /// - Parameters:
    ///   - client: The demonstration's account.
    ///   - start: Starts a simulated phone.
    /// - Returns: How long it took from the request to send until the phone had reported the delivery.
    /// - Throws: ``Failure`` when the SMS is not delivered within 15 s, and what the server answers.
    func sendThroughSMSGate(
        _ client: DemonstrationClient, start: (SMSGateSimulator.Settings) -> Void
    ) async throws -> Duration {
        // Those of earlier runs are gone with their processes.
        for device in try await client.call(.GET, "/v1/devices")["data"] as? [[String: Any]] ?? [] {
            if let id = device["id"] as? String { try await client.call(.DELETE, "/v1/devices/\(id)") }
        }
        let pairing = try await client.call(.POST, "/v1/devices/pairings", Pairing())["data"] as? [String: Any]
        guard let code = pairing?["code"] as? String else {
            throw Failure(description: "the server gave no pairing code")
        }
        start(
            try SMSGateSimulator.Settings(
                PhoneSimulator.Settings.Options(["url": client.baseURL, "code": code, "latency": "100ms"])))
        return try await isDelivered(client)
    }

    private func isDelivered(_ client: DemonstrationClient) async throws -> Duration {
        let begin = ContinuousClock.now
        let deadline = begin + .seconds(15)
        // A number has no device until the app has registered.
        while try await devices(client) == 0 {
            guard .now < deadline else { throw Failure(description: "the SMSGate app was not paired within 15 s") }
            try await Task.sleep(for: .milliseconds(20))
        }
        let sent = ContinuousClock.now
        let draft = ["from": Self.secondNumber, "to": "+18005550100", "content": "Sent without Firebase."]
        let message = try await client.call(.POST, "/v1/messages/send", draft)["data"] as? [String: Any]
        guard let id = message?["id"] as? String else { throw Failure(description: "the server gave no message") }
        while .now < deadline {
            let message = try await client.call(.GET, "/v1/messages/\(id)")["data"] as? [String: Any]
            if message?["status"] as? String == "delivered" { return sent.duration(to: .now) }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failure(description: "the SMS through the SMSGate app was not delivered within 15 s")
    }

    private func devices(_ client: DemonstrationClient) async throws -> Int {
        (try await client.call(.GET, "/v1/devices")["data"] as? [[String: Any]] ?? []).count
    }

    private struct Pairing: JSONWritable {
        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("name", "demo phone with SMSGate")
                o.field("numbers", [Number()])
            }
        }

        private struct Number: JSONWritable {
            func write(to json: inout JSONWriter) {
                json.object { o in
                    o.field("sim", "SIM1")
                    o.field("phone_number", Demonstration.secondNumber)
                }
            }
        }
    }
}
