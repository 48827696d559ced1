import AsyncHTTPClient
import Foundation
import HTTPSMSWebhooks
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Calls the public HTTP API the way any client does.
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

/// An Android phone as far as the API can tell: registers, reports, receives.
struct SimulatedPhone: Sendable {
    let number: String
    let client: DemonstrationClient

    func register() async throws {
        try await client.call(.PUT, "/v1/phones/fcm-token", ["phone_number": number, "fcm_token": "", "sim": "SIM1"])
    }

    func receive(_ content: String, from contact: String) async throws {
        try await client.call(
            .POST, "/v1/messages/receive",
            ["to": number, "from": contact, "content": content, "sim": "SIM1", "timestamp": Self.now])
    }

    func missCall(from contact: String) async throws {
        try await client.call(
            .POST, "/v1/messages/calls/missed", ["to": number, "from": contact, "sim": "SIM1", "timestamp": Self.now])
    }

    func fetch(_ messageID: String) async throws {
        try await client.call(.GET, "/v1/messages/outstanding?message_id=\(messageID)")
    }

    func report(_ event: String, _ messageID: String, reason: String? = nil) async throws {
        try await client.call(
            .POST, "/v1/messages/\(messageID)/events",
            Report(event: event, reason: reason, timestamp: Self.now))
    }

    func beat() async throws {
        try await client.call(.POST, "/v1/heartbeats", Beat(number: number))
    }

    /// The present time the way the Android app writes it: milliseconds, padded to nine digits.
    private static var now: String {
        let text = Date.now.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
        return text.replacing("Z", with: "") + "000000Z"
    }

    private struct Report: JSONWritable {
        let event: String
        let reason: String?
        let timestamp: String

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("event_name", event)
                o.field("reason", reason)
                o.field("timestamp", timestamp)
            }
        }
    }

    private struct Beat: JSONWritable {
        let number: String

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("charging", true)
                o.field("phone_numbers", [number])
            }
        }
    }
}
