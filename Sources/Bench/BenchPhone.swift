import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A phone with the SMSGate app, as far as the server is charged with it: a stream, polls and pings.
struct BenchPhone: Sendable {
    let account: BenchServer.Account
    let number: String
    private let id: String
    private let token: String
    /// Where it posts its pings: a path.
    private let hook: String
    private let port: Int

    /// Pairs and registers the phone with `number` on a running server.
    ///
    /// - Throws: ``BenchFailure`` for an answer that is none of these.
    init(_ number: String, of account: BenchServer.Account, at port: Int) async throws {
        (self.account, self.number, self.port) = (account, number, port)
        struct Paired: Decodable {
            struct Pairing: Decodable { let private_token: String }
            let data: Pairing
        }
        struct Registered: Decodable { let id, token: String }
        struct Webhook: Decodable { let url: String }
        let paired: Paired = try await Self.answer(
            .POST, "/v1/devices/pairings", to: port, headers: [("x-api-key", account.apiKey)],
            body: #"{"numbers":[{"sim":"SIM1","phone_number":"\#(number)"}]}"#)
        let registered: Registered = try await Self.answer(
            .POST, "/mobile/v1/device", to: port,
            headers: Self.headers(token: paired.data.private_token), body: #"{"name":"bench"}"#)
        let webhooks: [Webhook] = try await Self.answer(
            .GET, "/mobile/v1/webhooks", to: port, headers: Self.headers(token: registered.token))
        guard let path = webhooks.first.flatMap({ URL(string: $0.url)?.path }) else {
            throw BenchFailure("a phone has no address for its pings")
        }
        (id, token, hook) = (registered.id, registered.token, path)
        _ = try await Self.send(.GET, "/mobile/v1/settings", to: port, headers: Self.headers(token: token))
    }

    /// Asks for messages.
    func poll() async throws {
        _ = try await Self.send(.GET, "/mobile/v1/message", to: port, headers: Self.headers(token: token))
    }

    /// Says that it lives, as often as it polls.
    func ping() async throws {
        _ = try await Self.send(
            .POST, hook, to: port, headers: Self.headers(token: token),
            body: #"{"id":"\#(UUID())","event":"system:ping","deviceId":"\#(id)","webhookId":"\#(id)-2","payload":{}}"#)
    }

    /// Asks for its stream, over a connection of its own.
    var streamRequest: String {
        """
        GET /mobile/v1/events HTTP/1.1\r
        Host: 127.0.0.1:\(port)\r
        User-Agent: okhttp/4.10.0\r
        Authorization: Bearer \(token)\r
        Accept: text/event-stream\r
        \r\n
        """
    }

    private static func headers(token: String) -> [(String, String)] {
        [("Authorization", "Bearer \(token)"), ("User-Agent", "me.capcom.smsgateway/1.60.0")]
    }

    private static func answer<Value: Decodable>(
        _ method: HTTPMethod, _ path: String, to port: Int, headers: [(String, String)], body: String? = nil
    ) async throws -> Value {
        let answer = try await send(method, path, to: port, headers: headers, body: body)
        return try JSONDecoder().decode(Value.self, from: Data(answer.readableBytesView))
    }

    private static func send(
        _ method: HTTPMethod, _ path: String, to port: Int, headers: [(String, String)], body: String? = nil
    ) async throws -> ByteBuffer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        request.headers = HTTPHeaders(headers)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(Array(body.utf8))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let answer = try await response.body.collect(upTo: 1 << 20)
        guard (200..<300).contains(response.status.code) else {
            throw BenchFailure("\(path) answered \(response.status.code): \(String(buffer: answer).prefix(200))")
        }
        return answer
    }
}
