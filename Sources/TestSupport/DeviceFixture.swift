/// A phone with the SMSGate app, as far as it calls the server: what it says is from the app's protocol.
package struct DevicePhone: Sendable {
    /// Speaks to the server, without a key.
    package let client: APIClient
    /// The device's id.
    package let id: String
    /// What it shows with each call.
    package let token: String
    /// The newest version that is known.
    package var version = "1.68.0"

    /// A phone that was given this id and this token.
    package init(client: APIClient, id: String, token: String, version: String = "1.68.0") {
        (self.client, self.id, self.token, self.version) = (client, id, token, version)
    }

    /// A device's numbers in tests.
    package static let number = "+18005550199"
    /// That of a second SIM.
    package static let second = "+18005550188"

    private static func agent(_ version: String) -> (String, String) {
        ("User-Agent", "me.capcom.smsgateway/\(version)")
    }

    /// Registers with what `Authorization` says.
    package static func register(
        _ server: TestServer, _ authorization: String?, _ body: JSON = ["name": "samsung/a52", "simCards": []],
        path: String = "/api/mobile/v1/device"
    ) async throws -> APIClient.Answer {
        try await server.client.send(
            "POST", path, body, headers: [agent("1.68.0")] + (authorization.map { [("Authorization", $0)] } ?? []))
    }

    /// A device that was paired by its code.
    package static func make(
        _ server: TestServer, _ account: Account, numbers: JSON = [["sim": "SIM1", "phone_number": "+18005550199"]]
    ) async throws -> DevicePhone {
        let pairing = try await account.client.post("/v1/devices/pairings", ["numbers": numbers]).data
        let answer = try await register(server, "Code \(pairing["code"].string)").json
        return DevicePhone(client: server.client, id: answer["id"].string, token: answer["token"].string)
    }

    /// Calls what the app calls, below `/api/mobile/v1`.
    package func send(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> APIClient.Answer {
        let headers = [("Authorization", "Bearer \(token)"), Self.agent(version)]
        guard let body else { return try await client.send(method, "/api/mobile/v1" + path, headers: headers) }
        return try await client.send(method, "/api/mobile/v1" + path, body, headers: headers)
    }

    /// What it is given.
    package func pull(_ query: String = "?order=fifo") async throws -> [JSON] {
        try await send("GET", "/message" + query).json.array
    }

    /// Reports the state of a message.
    @discardableResult
    package func report(
        _ id: String, _ state: String, _ times: [String: JSON] = [:], error: String? = nil
    ) async throws -> APIClient.Answer {
        var recipient: [String: JSON] = ["phoneNumber": "+18005550100", "state": .string(state)]
        if let error { recipient["error"] = .string(error) }
        return try await send(
            "PATCH", "/message",
            [
                [
                    "id": .string(id), "state": .string(state), "recipients": [.object(recipient)],
                    "states": .object(times),
                ]
            ])
    }

    /// Where it posts to, as the server lists it.
    package func hookPath() async throws -> String {
        let url = try await send("GET", "/webhooks").json[0]["url"].string
        return String(url.dropFirst(client.baseURL.count))
    }

    /// Posts an event.
    package func post(
        _ event: String, _ payload: JSON, id: String, to path: String, headers: [(String, String)] = []
    ) async throws -> APIClient.Answer {
        try await client.send(
            "POST", path,
            [
                "id": .string(id), "webhookId": "x", "event": .string(event), "deviceId": .string(self.id),
                "payload": payload,
            ], headers: [Self.agent(version)] + headers)
    }
}

extension TestServer {
    /// Waits until a message has this status.
    package func message(_ id: String, of account: Account, is status: String) async throws -> JSON {
        try await eventually("the message is \(status)") {
            [try await account.message(id)].first { $0["status"].string == status }
        }
    }
}
