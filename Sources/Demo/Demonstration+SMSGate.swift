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
    /// - Throws: ``Failure`` when the app is not paired or the SMS not delivered within a minute, and what the server answers.
    func sendThroughSMSGate(
        _ client: DemonstrationClient, start: (SMSGateSimulator.Settings) -> Void
    ) async throws -> Duration {
        // Those of earlier runs are gone with their processes.
        for device in try await devices(client) {
            if let id = device["id"] as? String { try await client.call(.DELETE, "/v1/devices/\(id)") }
        }
        let pairing = try await client.call(.POST, "/v1/devices/pairings", Pairing())["data"] as? [String: Any]
        guard let code = pairing?["code"] as? String else {
            throw Failure(description: "the server gave no pairing code")
        }
        start(
            try SMSGateSimulator.Settings(
                PhoneSimulator.Settings.Options(["url": client.baseURL, "code": code, "latency": "100ms"])))
        try await wait("the SMSGate app was not paired") { try await !devices(client).isEmpty }
        let begin = ContinuousClock.now
        let id = try await send(client, "Sent without Firebase.", from: Self.secondNumber)
        try await wait("the SMS through the SMSGate app was not delivered") {
            let message = try await client.call(.GET, "/v1/messages/\(id)")["data"] as? [String: Any]
            return message?["status"] as? String == "delivered"
        }
        return begin.duration(to: .now)
    }

    /// Looks again and again, for a minute.
    private func wait(_ failure: String, until isOver: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isOver() {
            guard .now < deadline else { throw Failure(description: "\(failure) within a minute") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func devices(_ client: DemonstrationClient) async throws -> [[String: Any]] {
        try await client.call(.GET, "/v1/devices")["data"] as? [[String: Any]] ?? []
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
