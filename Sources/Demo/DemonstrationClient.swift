import AsyncHTTPClient
import Foundation
import HTTPSMSWebhooks
import JSON
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Calls the public HTTP API the way a user's program does.
struct DemonstrationClient: Sendable {
    let baseURL: String
    let apiKey: String

    /// The answer was not a success.
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    /// Sends a request and gives the `data` of the answer.
    ///
    /// - Throws: ``Refused`` for anything but a 2xx.
    @discardableResult
    func call(_ method: HTTPMethod, _ path: String, _ body: (any JSONWritable)? = nil) async throws -> [String: Any] {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = method
        request.headers.add(name: "x-api-key", value: apiKey)
        request.headers.add(name: "X-Client-Version", value: "demo")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body.encodedJSON())
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        let object = (try? JSONSerialization.jsonObject(with: Data(buffer: bytes))) as? [String: Any]
        guard (200..<300).contains(response.status.code) else {
            throw Refused(
                description: "\(method) \(path) answered \(response.status.code): \(String(buffer: bytes))")
        }
        return object ?? [:]
    }
}
