import Foundation

/// A forwarder of a ``TestServer`` and its app.
package struct ForwarderFixture: Sendable {
    /// Where it posts.
    package let server: TestServer
    /// Whose it is.
    package let account: Account
    /// `data` of the answer that made it.
    package let data: JSON
    /// Where the app posts.
    package var path: String { String(data["url"].string.dropFirst(server.baseURL.count)) }

    /// Makes an account and a forwarder of it.
    package init(
        _ server: TestServer, preset: String = "generic", template: JSON = .absent,
        numbers: JSON = [
            ["sim": "SIM1", "phone_number": "+18005550199"], ["sim": "SIM2", "phone_number": "+18005550188"],
        ]
    ) async throws {
        self.server = server
        account = try await server.makeAccount()
        let body = JSON.object(["name": "My phone", "preset": .string(preset), "numbers": numbers])
        data = try await account.client.post("/v1/forwarders", body.with(["template": template])).data
    }

    /// Sends what an app sends, to the hook or to `more` behind it.
    package func call(
        _ method: String = "POST", _ body: String? = nil, type: String? = "application/json", more: String = ""
    ) async throws -> APIClient.Answer {
        try await call(method, bytes: body.map { Array($0.utf8) }, type: type, more: more)
    }

    /// Sends bytes of any kind.
    package func call(
        _ method: String = "POST", bytes: [UInt8]?, type: String?, more: String = ""
    ) async throws -> APIClient.Answer {
        try await server.client.send(
            method, path + more, headers: type.map { [("Content-Type", $0)] } ?? [], body: bytes)
    }

    /// The message that an answer names.
    package func message(_ answer: APIClient.Answer) async throws -> JSON {
        try await account.message(answer.data["id"].string)
    }

    /// The requests that are kept, newest first.
    package func requests() async throws -> [JSON] {
        try await account.client.get("/v1/forwarders/\(data["id"].string)").data["requests"].array
    }
}

extension JSON {
    /// As text, members sorted.
    package var written: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Whatever a test writes can be encoded.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
