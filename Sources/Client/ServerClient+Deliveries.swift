import Agents
import HTTPSMSWebhooks
import JSON
import NIOHTTP1
import Timestamps
import Wire

extension ServerClient {
    /// Which deliveries are listed; nil for all.
    package struct DeliveryFilter: Sendable {
        /// `pending`, `delivering`, `succeeded`, `failed`, `held` or `cancelled`.
        package var status: String?
        /// A type of event.
        package var event: String?
        /// The id of a message.
        package var message: String?
        /// The number of another party.
        package var contact: String?
        /// What the last attempt was answered with.
        package var statusCode: Int?
        /// Whether only those with an attempt are listed.
        package var isTried: Bool
        /// Those that were accepted from then on: a time in RFC 3339, or how long ago.
        package var since: String?
        /// Those that were accepted before then, in the same forms.
        package var until: String?
        /// The id of the last delivery of the page before.
        package var before: String?
        /// How many, 1 to 100.
        package var limit: Int

        /// Asks for a page.
        package init(
            status: String? = nil, event: String? = nil, message: String? = nil, contact: String? = nil,
            statusCode: Int? = nil, isTried: Bool = false, since: String? = nil, until: String? = nil,
            before: String? = nil, limit: Int
        ) {
            self.status = status
            self.event = event
            self.message = message
            self.contact = contact
            self.statusCode = statusCode
            self.isTried = isTried
            self.since = since
            self.until = until
            self.before = before
            self.limit = limit
        }
    }

    /// Deliveries of a webhook, newest first.
    package func deliveries(
        _ webhook: String, _ filter: DeliveryFilter, cursor: String? = nil
    ) async throws -> ClientOutput {
        let answer = try await call(
            .GET, path(webhook) + "/deliveries",
            query: [
                ("status", filter.status), ("event_type", filter.event), ("message_id", filter.message),
                ("contact", filter.contact), ("status_code", filter.statusCode.map(String.init)),
                ("tried", filter.isTried ? "true" : nil),
                ("since", try filter.since.map { try Self.time($0, "--since").rfc3339 }),
                ("until", try filter.until.map { try Self.time($0, "--until").rfc3339 }),
                ("before", filter.before), ("limit", "\(filter.limit)"), Self.start(cursor),
            ])
        let deliveries: [RemoteDelivery] = try answer.decode()
        let table = TextTable(RemoteDelivery.headings, deliveries.map(\.row)).text
        return ClientOutput(
            text: deliveries.isEmpty ? "No deliveries." : table, json: answer.data, next: answer.nextCursor)
    }

    /// One delivery with its attempts.
    package func delivery(_ id: String) async throws -> ClientOutput {
        try await deliveryOutput(id)
    }

    /// Sends a delivery again and waits for what becomes of the attempt.
    package func retryDelivery(_ id: String) async throws -> ClientOutput {
        try await outcome(after: try await call(.POST, "/v1/deliveries/\(id.percentEncoded)/retry").decode())
    }

    /// Sends a sample event to a webhook and waits for what becomes of the first attempt.
    package func testWebhook(_ id: String, event: String) async throws -> ClientOutput {
        try await outcome(after: try await call(.POST, path(id) + "/test", ["event": event]).decode())
    }

    /// What became of the next attempt at a delivery, for the terminal.
    func outcome(after before: RemoteDelivery) async throws -> ClientOutput {
        let (delivery, answer) = try await before.attempted {
            let answer = try await call(.GET, "/v1/deliveries/\(before.id)")
            return (try answer.decode(), answer)
        }
        return ClientOutput(
            text: delivery.description, json: answer.data,
            fault: delivery.status == "succeeded" ? nil : "the endpoint did not accept the event: \(delivery.fault)")
    }

    private func deliveryOutput(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.GET, "/v1/deliveries/\(id.percentEncoded)")
        let delivery: RemoteDelivery = try answer.decode()
        return ClientOutput(text: delivery.description, json: answer.data)
    }

    /// Sends past events again, and waits until all were looked at unless `isWaited` is false.
    ///
    /// - Parameters:
    ///   - webhook: Its id.
    ///   - since: Events accepted from then on: a time, or how long ago, such as `2h`.
    ///   - until: Events accepted before then; nil for now.
    ///   - statuses: `failed`, `succeeded`, `unmatched`; empty for failed ones.
    ///   - event: Only events of this type; nil for all.
    ///   - statusCode: Only those last answered with this status; nil for all.
    ///   - contact: Only those of messages with this number; nil for all.
    ///   - isWaited: Whether to wait.
    ///   - progress: Is told the part that was looked at, from 0 to 1.
    /// - Returns: The replay.
    /// - Throws: ``ClientFailure``, `usage` when it is not a time.
    package func replay(
        _ webhook: String, since: String, until: String?, statuses: [String], event: String? = nil,
        statusCode: Int? = nil, contact: String? = nil, isWaited: Bool, progress: (Double) -> Void
    ) async throws -> ClientOutput {
        let body = Request(
            since: try Self.time(since, "--since"), until: try until.map { try Self.time($0, "--until") },
            statuses: statuses, event: event, statusCode: statusCode, contact: contact)
        var answer = try await call(.POST, path(webhook) + "/replay", body)
        var replay: RemoteReplay = try answer.decode()
        while isWaited, replay.status == "running" {
            progress(replay.total > 0 ? Double(replay.done) / Double(replay.total) : 0)
            try await Task.sleep(for: .milliseconds(250))
            answer = try await call(.GET, "/v1/replays/\(replay.id)")
            replay = try answer.decode()
        }
        if isWaited { progress(1) }
        return ClientOutput(text: replay.description, json: answer.data)
    }

    private struct Request: JSONWritable {
        let since: Timestamp
        let until: Timestamp?
        let statuses: [String]
        let event: String?
        let statusCode: Int?
        let contact: String?

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("since", since)
                if let until { o.field("until", until) }
                if !statuses.isEmpty { o.field("statuses", statuses) }
                if let event { o.field("event_type", event) }
                if let statusCode { o.field("status_code", statusCode) }
                if let contact { o.field("contact", contact) }
            }
        }
    }

    /// Reads a time, or how long ago it was.
    private static func time(_ text: String, _ option: String) throws(ClientFailure) -> Timestamp {
        if let ago = DurationText.parse(text) { return SystemClock().now() - ago }
        if let time = Timestamp(rfc3339: text) { return time }
        throw ClientFailure(
            .usage, "\(option) must be a time such as 2026-07-22T10:15:00Z, or how long ago, such as 30m or 2h")
    }
}
