import Delivery
import HTTPSMSWebhooks
import JSON
import Secrets
import Storage
import Timestamps
import Wire

/// Posts events to a port of the developer's, as the server would: same bytes, same headers, signed with a key of its own.
package struct Forwarder: Sendable {
    /// What became of a forwarded event.
    package struct Outcome: Sendable, JSONWritable {
        let event: CloudEvent
        /// Its place in the server's log; nil for a sample.
        let position: Int64?
        /// Nil when there was no answer.
        let status: Int?
        /// Why there was none.
        let failure: AttemptFailure?
        let duration: Duration

        /// Whether the receiver took it.
        package var isSuccess: Bool { status.map { (200..<300).contains($0) } ?? false }

        /// Whether there was nobody to take it.
        package var isUnreachable: Bool { failure?.isUnreachable ?? false }

        /// One line for a person.
        package var line: String {
            let answer =
                status.map { "\($0) in \(duration.milliseconds) ms" } ?? "no answer: \(failure?.description ?? "")"
            let hint = status == 401 || status == 403 ? "  (does the receiver have this signing key?)" : ""
            return "\(event.time)  \(event.payload.type.padding(to: 23))  \(event.id)  -> \(answer)\(hint)".printable
        }

        /// The event, as JSON on one line.
        package var body: String { String(decoding: event.encoded(), as: UTF8.self).printable }

        /// The same for a machine, on one line.
        package var json: String { String(decoding: encodedJSON(), as: UTF8.self) }

        package func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("event_id", event.id)
                o.field("event_type", event.payload.type)
                o.field("position", position)
                o.field("status_code", status)
                o.field("error", failure?.code.rawValue)
                o.field("duration_ms", duration.milliseconds)
            }
        }
    }

    private let url: CallbackURL
    private let audience: String
    private let userID: String
    private let signingKey: String
    private let sender: HTTPSender
    private let clock: any WallClock
    private let headers = DeliveryHeaders(version: ServerVersion.current)

    /// Runs `body` with a forwarder.
    ///
    /// - Parameters:
    ///   - url: Where events are posted to.
    ///   - audience: What tokens are for; nil for the URL.
    ///   - signingKey: What signs.
    ///   - body: Uses the forwarder.
    /// - Returns: What `body` returns.
    /// - Throws: ``ClientFailure`` `usage` when the URL cannot be used, and what `body` throws.
    package static func with<Value>(
        url: String, audience: String?, signingKey: String, _ body: (Forwarder) async throws -> Value
    ) async throws -> Value {
        let parsed: CallbackURL
        do {
            parsed = try CallbackURL(address(url))
        } catch {
            throw ClientFailure(.usage, "--forward-to: \(error); give it such as http://localhost:3000/hook")
        }
        guard !signingKey.allSatisfy(\.isWhitespace) else {
            throw ClientFailure(.usage, "--signing-key must not be empty")
        }
        return try await withOpenSender { sender in
            try await body(
                Forwarder(
                    url: parsed, audience: audience ?? address(url), userID: "forwarder", signingKey: signingKey,
                    sender: sender,
                    clock: SystemClock()))
        }
    }

    /// The URL that is meant: a port alone is one of this machine, and a host without a scheme is called over HTTP.
    static func address(_ text: String) -> String {
        let text = text.trimmed
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return "http://localhost:\(text)/" }
        return text.contains("://") || text.isEmpty ? text : "http://\(text)"
    }

    /// Posts one event.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - body: The exact bytes that are posted; nil for those that the event encodes to.
    ///   - position: The event's place in the log.
    /// - Returns: What became of it.
    func forward(_ event: CloudEvent, body: [UInt8]? = nil, position: Int64? = nil) async -> Outcome {
        let now = clock.now()
        let body = body ?? event.encoded()
        let token = WebhookToken.sign(key: signingKey, subject: userID, audience: audience, now: now)
        let delivery = DeliveryID(
            event: EventID(trusted: event.id), endpoint: EndpointID(trusted: url.text), at: event.time)
        let result = await sender.send(
            WebhookRequest(
                poolKey: "forward", url: url,
                headers: headers.plain(type: event.payload.type, delivery: delivery.text, attempt: 1)
                    + [("Authorization", "Bearer \(token)")]
                    + DeliveryHeaders.signature(event: event.id, at: now, body: body, keys: [signingKey]),
                body: body),
            within: AttemptRunner.timeLimit)
        return Outcome(
            event: event, position: position, status: result.outcome.statusCode, failure: result.outcome.failure,
            duration: result.answerTime)
    }

    /// Posts a sample of a type, as it was made now.
    ///
    /// - Throws: ``ClientFailure`` `usage` for a type that does not exist.
    package func forwardSample(of type: String) async throws -> Outcome {
        let now = clock.now()
        let sample = try EventNames.type(type).declaration.sample
        return await forward(
            CloudEvent(id: EventID(at: now).text, source: "/v1/webhooks/trigger", time: now, payload: sample.payload))
    }
}

/// The types of events as options name them.
package enum EventNames {
    /// All of them, in the order of the documentation.
    package static var all: [String] { EventType.allCases.map(\.rawValue) }

    /// The type of that name.
    ///
    /// - Throws: ``ClientFailure`` `usage` with the names that there are.
    static func type(_ name: String) throws(ClientFailure) -> EventType {
        guard let type = EventType(rawValue: name) else {
            throw ClientFailure(
                .usage, "there is no event '\(name)'. There are: \(all.joined(separator: ", "))")
        }
        return type
    }
}

extension ServerClient {
    /// Forwards every event as it happens, and comes back after a lost connection where it was.
    ///
    /// - Parameters:
    ///   - filter: Which events.
    ///   - after: The position to begin after; nil for now.
    ///   - forwarder: Where they go.
    ///   - report: Is told what became of each.
    ///   - note: Tells a person about the connection.
    /// - Throws: ``ClientFailure`` for what waiting does not fix.
    package func listen(
        _ filter: EventFilter, after: Int64?, forwarder: Forwarder, report: (Forwarder.Outcome) -> Void,
        note: (String) -> Void
    ) async throws {
        try await follow(filter, after: after, note: note) { event in
            report(await forwarder.forward(event.event, body: event.body, position: event.position))
        }
    }
}
