import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Calls the HTTP API over a socket, the way any client does.
package struct APIClient: Sendable {
    /// What paths are put behind, without a slash at the end.
    package let baseURL: String
    /// Goes into `x-api-key`; nil sends none.
    package let apiKey: String?

    private let http: HTTPClient

    /// Makes a client; one that `followsRedirects` gives the answer at their end.
    package init(baseURL: String, apiKey: String?, followsRedirects: Bool = true) {
        self.baseURL = baseURL
        self.apiKey = apiKey
        http = followsRedirects ? Self.patient : Self.direct
    }

    /// For as long as the process lives. The shared one gives up after 90 s without a byte, which a busy machine may need.
    package static let patient: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.timeout.read = nil
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
    private static let direct = HTTPClient(
        eventLoopGroupProvider: .singleton, configuration: .init(redirectConfiguration: .disallow))

    /// An answer.
    package struct Answer: Sendable, CustomStringConvertible {
        /// The HTTP status.
        package let status: Int
        /// The headers, repeated ones included.
        package let headers: HTTPHeaders
        /// The body.
        package let body: [UInt8]

        /// The first header `name`, whatever its case; nil when there is none.
        package func header(_ name: String) -> String? { headers.first(name: name) }

        /// The body as text.
        package var text: String { String(decoding: body, as: UTF8.self) }

        /// The body as JSON; `absent` when it is none.
        package var json: JSON {
            // A body that is not JSON is one that no expectation fits.
            (try? JSONDecoder().decode(JSON.self, from: Data(body))) ?? .absent
        }

        /// The envelope's `data`.
        package var data: JSON { json["data"] }

        /// The envelope's `message`.
        package var message: String { json["message"].string }

        package var description: String { "\(status) \(text)" }
    }

    /// Sends a GET.
    package func get(_ path: String) async throws -> Answer { try await send("GET", path) }

    /// Sends a DELETE.
    package func delete(_ path: String) async throws -> Answer { try await send("DELETE", path) }

    /// Sends a POST with a JSON body.
    package func post(_ path: String, _ body: JSON) async throws -> Answer { try await send("POST", path, body) }

    /// Sends a PUT with a JSON body.
    package func put(_ path: String, _ body: JSON) async throws -> Answer { try await send("PUT", path, body) }

    /// Sends a request with a JSON body.
    package func send(
        _ method: String, _ path: String, _ body: JSON, headers: [(String, String)] = []
    ) async throws -> Answer {
        try await send(
            method, path, headers: [("Content-Type", "application/json")] + headers,
            body: Array(JSONEncoder().encode(body)))
    }

    /// Sends a request as it is told.
    package func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = HTTPMethod(rawValue: method)
        if let apiKey { request.headers.add(name: "x-api-key", value: apiKey) }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(body) }
        let response = try await http.execute(request, timeout: .seconds(120))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        return Answer(
            status: Int(response.status.code), headers: response.headers, body: Array(bytes.readableBytesView))
    }
}

/// Sends until the server takes or refuses it: on a machine that is busy otherwise it may have no time for what is large, and
/// says so by 503.
///
/// - Returns: The first answer that is no 503.
/// - Throws: ``NeverHappened``, and what `send` throws.
package func untilServed(_ send: () async throws -> APIClient.Answer) async throws -> APIClient.Answer {
    try await eventually("the server has time for it") {
        let answer = try await send()
        return answer.status == 503 ? nil : answer
    }
}
