import AsyncHTTPClient
import Foundation
import HTTPSMSWebhooks
import JSON
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Secrets
import Timestamps
import Wire

/// The calls that the Android app makes, with its headers, its timestamps and its idea of success.
package struct PhoneAPI: Sendable {
    /// What paths are put behind, without a slash at the end.
    let baseURL: String
    let apiKey: Secret<String>
    /// E.164.
    let number: String
    let sim: SIM

    /// The calls of the phone with `number`, E.164, on the server at `baseURL`, which has no slash at the end.
    package init(baseURL: String, apiKey: Secret<String>, number: String, sim: SIM) {
        self.baseURL = baseURL
        self.apiKey = apiKey
        self.number = number
        self.sim = sim
    }

    /// A call that the app may make again.
    enum Call: String, CaseIterable, Sendable {
        case report, receive, missedCall
    }

    /// What the app makes of an answer.
    enum Conclusion: Hashable, Sendable {
        /// The server has it.
        case done
        /// The server refused it, and the app forgets it.
        case refused
        /// Nobody answered, and the app forgets it.
        case lost
        /// It is sent again later.
        case retry
    }

    /// Decides as the app does; `status` is nil when there was no answer.
    ///
    /// | call | done | forgotten | sent again |
    /// |---|---|---|---|
    /// | report | 2xx, 404 | no answer | any other status |
    /// | receive | 2xx | 4xx | 5xx, no answer |
    /// | missedCall | 2xx | 4xx, no answer | 5xx |
    static func conclusion(of call: Call, status: Int?) -> Conclusion {
        switch (call, status) {
        case (_, .some(200..<300)), (.report, 404): .done
        case (.report, .some): .retry
        case (.receive, nil): .retry
        case (_, nil): .lost
        case (_, .some(400..<500)): .refused
        case (_, .some): .retry
        }
    }

    /// The message that a push was about, with what the app insists on.
    package struct Outstanding: Decodable, Sendable {
        let id: String
        let owner: String
        let contact: String
        /// The text to send.
        package let content: String
        let encrypted: Bool
        let sim: String
        let attachments: [String]?
        private let status: String
        private let type: String
        private let createdAt: String
        private let updatedAt: String
        private let orderTimestamp: String
        private let requestReceivedAt: String
    }

    /// Why the phone cannot be used, as the app tells its user.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// Logs in.
    ///
    /// - Returns: Whether the server answered.
    /// - Throws: ``Refusal`` when it does not want this phone.
    func register(token: String) async throws(Refusal) -> Bool {
        let body = ["fcm_token": token, "phone_number": number, "sim": sim.rawValue]
        guard let answer = await send(.PUT, "/v1/phones/fcm-token", body) else { return false }
        switch answer.status {
        case 200..<300:
            guard (try? Self.decode(Registered.self, answer.body)) != nil else {
                throw Refusal(description: "the answer to the registration is not one that the app understands")
            }
            return true
        case 401: throw Refusal(description: "Cannot validate the API key: is it one of this server?")
        case 500...: return false
        default:
            throw Refusal(
                description: """
                    Cannot login to the server (status \(answer.status)), make sure the phone number is in international \
                    format e.g +18005550100
                    """)
        }
    }

    /// Fetches the message of a push. The app never tries that again.
    ///
    /// - Throws: ``Refusal`` when there is no answer that the app understands.
    func outstanding(_ id: String) async throws(Refusal) -> Outstanding {
        guard let answer = await send(.GET, "/v1/messages/outstanding?message_id=\(id)") else {
            throw Refusal(description: "no answer")
        }
        guard (200..<300).contains(answer.status) else { throw Refusal(description: "status \(answer.status)") }
        do {
            return try Self.decode(Outstanding.self, answer.body)
        } catch {
            throw Refusal(description: "the app does not understand the answer: \(error)")
        }
    }

    /// Tells what became of a message; nil when there was no answer.
    func report(_ event: String, _ id: String, reason: String?, at time: Timestamp) async -> Int? {
        await send(
            .POST, "/v1/messages/\(id)/events", ["event_name": event, "reason": reason, "timestamp": Self.text(time)]
        )?.status
    }

    /// Passes an SMS on; nil when there was no answer.
    func receive(_ content: String, from contact: String, at time: Timestamp) async -> Int? {
        await send(.POST, "/v1/messages/receive", SMS(api: self, contact: contact, content: content, time: time))?
            .status
    }

    /// Tells of a missed call; nil when there was no answer.
    func missCall(from contact: String, at time: Timestamp) async -> Int? {
        let body = ["from": contact, "sim": sim.rawValue, "timestamp": Self.text(time), "to": number]
        return await send(.POST, "/v1/messages/calls/missed", body)?.status
    }

    /// Sends a sign of life; nil when there was no answer.
    func beat() async -> Int? {
        await send(.POST, "/v1/heartbeats", Heartbeat(number: number))?.status
    }

    /// Whether a file that is to be sent can be had: 2xx and 1.5 MiB at most, as the app takes it.
    ///
    /// Follows redirects to any host, as the app does; no key goes with the request.
    func canDownload(_ url: String) async -> Bool {
        guard let response = try? await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: Self.timeout),
            (200..<300).contains(response.status.code)
        else { return false }
        // Larger than that is still an answer.
        return (try? await response.body.collect(upTo: Self.attachmentLimit)) != nil
    }

    /// UTC with milliseconds, padded to nine digits: `2026-07-22T10:15:29.814000000Z`.
    static func text(_ time: Timestamp) -> String {
        let milliseconds = time.microseconds / 1_000 % 1_000
        let seconds = Timestamp(seconds: time.seconds)
        return "\(seconds.rfc3339.dropLast()).\(String(milliseconds + 1_000).dropFirst())000000Z"
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: (any JSONWritable)? = nil
    ) async -> (status: Int, body: Data)? {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = method
        request.headers.add(name: "x-api-key", value: apiKey.exposed)
        request.headers.add(name: "X-Client-Version", value: "simulator-\(ServerVersion.current)")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
            request.body = .bytes(body.encodedJSON())
        }
        do {
            let response = try await OutgoingHTTP.shared.execute(request, timeout: Self.timeout)
            let bytes = try await response.body.collect(upTo: 1 << 22)
            return (Int(response.status.code), Data(buffer: bytes))
        } catch {
            return nil  // What kind of failure makes no difference to the app.
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ body: Data) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Envelope<Value>.self, from: body).data
    }

    private struct Envelope<Value: Decodable>: Decodable {
        let data: Value
        let message: String
        let status: String
    }

    private struct Registered: Decodable {
        let id: String
        let userId: String
    }

    private struct Heartbeat: JSONWritable {
        let number: String

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("charging", true)
                o.field("phone_numbers", [number])
            }
        }
    }

    private struct SMS: JSONWritable {
        let api: PhoneAPI
        let contact: String
        let content: String
        let time: Timestamp

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("sim", api.sim.rawValue)
                o.field("from", contact)
                o.field("to", api.number)
                o.field("content", content)
                o.field("encrypted", false)
                o.field("timestamp", PhoneAPI.text(time))
                o.field("attachments", String?.none)
            }
        }
    }

    /// OkHttp's default.
    private static let timeout: TimeAmount = .seconds(10)

    /// 1.5 MiB, as in the app.
    private static let attachmentLimit = 1_572_864
}
