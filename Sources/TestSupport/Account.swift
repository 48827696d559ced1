/// A user of a ``TestServer``.
package struct Account: Sendable {
    /// The user's id.
    package let id: String
    /// The user's e-mail address.
    package let email: String
    /// Calls with the user's key.
    package let client: APIClient
    /// The user's key.
    package let apiKey: String

    /// A registered phone with an API key of its own.
    package struct Phone: Sendable {
        /// The phone's id.
        package let id: String
        /// E.164.
        package let number: String
        /// Calls with the phone's key.
        package let client: APIClient
        /// The id of the phone's key.
        package let keyID: String

        /// Reports an inbound SMS.
        package func receive(_ body: JSON) async throws -> APIClient.Answer {
            try await client.post("/v1/messages/receive", JSON.object(["to": .string(number)]).with(body.object))
        }

        /// Reports what became of a message.
        package func report(_ event: String, _ messageID: String, _ more: JSON = [:]) async throws -> APIClient.Answer {
            try await client.post(
                "/v1/messages/\(messageID)/events", JSON.object(["event_name": .string(event)]).with(more.object))
        }

        /// Takes a message over.
        package func fetch(_ messageID: String) async throws -> APIClient.Answer {
            try await client.get("/v1/messages/outstanding?message_id=\(messageID)")
        }

        /// Sends a heartbeat.
        package func beat() async throws -> APIClient.Answer {
            try await client.post("/v1/heartbeats", ["phone_numbers": [.string(number)], "charging": true])
        }
    }

    /// Registers a phone the way the app does: with a phone API key, which is thereby bound to it.
    ///
    /// - Throws: ``Refused``.
    package func makePhone(_ number: String = "+18005550199") async throws -> Phone {
        let key = try Self.data(await client.post("/v1/phone-api-keys", ["name": .string("key of \(number)")]))
        let phoneClient = APIClient(baseURL: client.baseURL, apiKey: key["api_key"].string)
        let phone = try Self.data(
            await phoneClient.put(
                "/v1/phones/fcm-token", ["phone_number": .string(number), "fcm_token": "token", "sim": "SIM1"]))
        return Phone(id: phone["id"].string, number: number, client: phoneClient, keyID: key["id"].string)
    }

    /// Makes a webhook and gives its `data`.
    ///
    /// - Throws: ``Refused``.
    @discardableResult
    package func makeWebhook(
        _ url: String, events: [String] = allEvents, numbers: [String] = ["+18005550199"], key: String = "signing-key"
    ) async throws -> JSON {
        try Self.data(
            await client.post(
                "/v1/webhooks",
                [
                    "url": .string(url), "signing_key": .string(key), "events": .array(events.map(JSON.string)),
                    "phone_numbers": .array(numbers.map(JSON.string)),
                ]))
    }

    /// Sends an SMS from the account's phone and gives its `data`.
    ///
    /// - Throws: ``Refused``.
    package func send(_ more: JSON = [:]) async throws -> JSON {
        let draft: JSON = ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]
        return try Self.data(await client.post("/v1/messages/send", draft.with(more.object)))
    }

    /// Reads a message.
    ///
    /// - Throws: ``Refused``.
    package func message(_ id: String) async throws -> JSON {
        try Self.data(await client.get("/v1/messages/\(id)"))
    }

    /// Every event type.
    package static let allEvents = [
        "message.phone.received", "message.phone.sent", "message.phone.delivered", "message.send.failed",
        "message.send.expired", "message.call.missed", "phone.heartbeat.offline", "phone.heartbeat.online",
    ]

    /// A request that a test needs did not succeed.
    package struct Refused: Error, CustomStringConvertible {
        /// Status and body.
        package let description: String
    }

    private static func data(_ answer: APIClient.Answer) throws -> JSON {
        guard (200..<300).contains(answer.status) else { throw Refused(description: "\(answer)") }
        return answer.data
    }
}
