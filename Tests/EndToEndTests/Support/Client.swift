import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Timestamps

/// Calls the public HTTP API, as a phone and as its user, wherever the installation's server is at the moment.
struct Client: Sendable {
    let installation: Installation
    /// What stands before the servers; nil calls the installation's own.
    var proxy: String?

    /// What the server said.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: JSONValue
        /// `data` of the envelope.
        var data: JSONValue { body["data"] }
    }

    static let apiKey = "uk_end-to-end-tests"
    static let owner = "+18005550199"
    static let signingKey = "end-to-end-signing-key"

    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Sends one request, without retries.
    ///
    /// - Throws: When there is no answer.
    static func send(
        _ method: HTTPMethod, _ url: String, _ body: JSONValue? = nil, headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = HTTPHeaders([("x-api-key", apiKey)] + headers)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(try JSONEncoder().encode(body))
        }
        let response = try await http.execute(request, timeout: .seconds(10))
        let bytes = try await response.body.collect(upTo: 1 << 22)
        // Plain text is no envelope.
        let json =
            (try? JSONDecoder().decode(JSONValue.self, from: Data(buffer: bytes))) ?? .text(String(buffer: bytes))
        return Answer(status: Int(response.status.code), headers: response.headers, body: json)
    }

    func send(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> Answer {
        try await Self.send(method, (proxy ?? installation.baseURL) + path, body)
    }

    /// Sends a request that must succeed, and gives `data` of the answer.
    @discardableResult
    func call(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let answer = try await send(method, path, body)
        guard (200..<300).contains(answer.status) else {
            throw TestFailure("\(method) \(path) answered \(answer.status): \(answer.body)")
        }
        return answer.data
    }

    /// Makes the account, starts the server and registers the phone.
    func setUp(phone settings: [String: JSONValue] = [:]) async throws {
        let made = try await installation.run(
            "user", "create", "--email", "owner@example.com", "--id", "owner", "--api-key", Self.apiKey)
        guard made.end == .exited(0) else { throw TestFailure("user create: \(made.errors)") }
        try await installation.serve()
        try await call(
            .PUT, "/v1/phones/fcm-token", ["phone_number": .text(Self.owner), "fcm_token": "", "sim": "SIM1"])
        if settings.isEmpty { return }
        try await call(.PUT, "/v1/phones", .object(settings.merging(["phone_number": .text(Self.owner)]) { $1 }))
    }

    /// Makes a webhook and gives its id.
    @discardableResult
    func webhook(_ url: String, events: [String], ordering: String = "none") async throws -> String {
        let made = try await call(
            .POST, "/v1/webhooks",
            [
                "url": .text(url), "signing_key": .text(Self.signingKey),
                "events": .array(events.map { .text($0) }), "phone_numbers": [.text(Self.owner)],
                "ordering": .text(ordering),
            ])
        guard let id = made["id"].text else { throw TestFailure("the server gave no webhook id: \(made)") }
        return id
    }

    /// What a phone posts for an SMS; `number` makes its time, so that equal ones are one SMS.
    static func sms(_ content: String, from contact: String, number: Int) -> JSONValue {
        let time = Timestamp(microseconds: 1_784_715_329_814_000 + Int64(number) * 1_000_000)
        return [
            "to": .text(owner), "from": .text(contact), "content": .text(content), "sim": "SIM1",
            "timestamp": .text("\(time)"),
        ]
    }

    /// Posts an SMS that must be taken, and gives the message's id.
    @discardableResult
    func receive(_ content: String, from contact: String = "+18005550100", number: Int) async throws -> String {
        let message = try await call(
            .POST, "/v1/messages/receive", Self.sms(content, from: contact, number: number))
        return message["id"].text ?? ""
    }

    /// All messages with `contact`, page by page.
    func messages(with contact: String) async throws -> [JSONValue] {
        var all: [JSONValue] = []
        while true {
            let path = "/v1/messages?owner=%2B\(Self.owner.dropFirst())&contact=%2B\(contact.dropFirst())"
            let page = try await call(.GET, path + "&limit=100&skip=\(all.count)").elements
            all += page
            if page.count < 100 { return all }
        }
    }
}
