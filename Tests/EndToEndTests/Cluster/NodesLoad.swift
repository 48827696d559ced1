import NIOHTTP1
import Storage
import TestSupport
import Testing

/// What phones and clients do to nodes while a fault goes on, and what must hold afterwards.
struct NodesLoad: Sendable {
    let nodes: Nodes
    let receiver: WebhookReceiver
    /// SMS that each client posts.
    let count: Int
    /// Requests that were answered, of all clients together.
    let progress = Progress()

    private static let clients = 3
    static let received = "message.phone.received"
    static let sent = "message.phone.sent"

    /// Every request that is made in all.
    var total: Int { Self.clients * count }

    /// What one client was told.
    struct Told: Sendable {
        /// The message's id by content, for each SMS that was answered 200.
        var received: [String: String] = [:]
        /// Messages that were reported sent, each twice.
        var reported: Set<String> = []
    }

    /// Posts, sends and reports, each again and again until it is answered, while `fault` runs.
    func run(_ fault: @escaping @Sendable () async throws -> Void) async throws -> [Told] {
        try await withThrowingTaskGroup(of: Told?.self) { group in
            for client in 0..<Self.clients { group.addTask { try await post(client) } }
            group.addTask {
                try await fault()
                return nil
            }
            return try await group.reduce(into: []) { all, told in
                if let told { all.append(told) }
            }
        }
    }

    private func post(_ client: Int) async throws -> Told {
        var told = Told()
        for number in 0..<count {
            let content = "sms \(number) of client \(client)"
            let sms = Client.sms(content, from: "+1800555020\(client)", number: number)
            told.received[content] = try await insist(.POST, "/v1/messages/receive", sms)["id"].text
            if number % 10 == 0 {
                let message = try await insist(
                    .POST, "/v1/messages/send",
                    ["from": .text(Client.owner), "to": "+18005550150", "content": .text("\(content), sent")])
                let id = message["id"].text ?? ""
                // A phone that gets no answer repeats its report, here even one that was answered.
                for _ in 0..<2 {
                    _ = try await insist(
                        .POST, "/v1/messages/\(id)/events",
                        ["event_name": "SENT", "timestamp": "2026-07-22T10:15:29.814Z", "reason": .null])
                }
                told.reported.insert(id)
            }
            progress.advance()
        }
        return told
    }

    /// The type and the message of an event; what came in has another field for its message than what was sent.
    private static func name(_ arrival: WebhookReceiver.Arrival) -> String {
        let data = arrival.event["data"]
        return "\(arrival.type) \(data["message_id"].text ?? data["id"].text ?? "")"
    }

    /// Repeats a request until it is answered; whatever is wrong with the server must come as 5xx.
    private func insist(_ method: HTTPMethod, _ path: String, _ body: JSONValue) async throws -> JSONValue {
        var data = JSONValue.null
        try await until("\(path) is answered") {
            // No answer: the phone does not know whether it was taken.
            guard let answer = try? await nodes.client.send(method, path, body) else { return false }
            if (500...599).contains(answer.status) { return false }
            guard answer.status == 200 else {
                throw TestFailure("\(path) was answered \(answer.status): \(answer.body)")
            }
            data = answer.data
            return true
        }
        return data
    }

    /// Waits until every delivery has come to its end, and compares what was told, stored and delivered; `bound` is how
    /// many requests may have been made twice: what was in flight in the fault.
    func check(_ told: [Told], duplicates bound: Int) async throws {
        try await until("every delivery has come to its end") {
            try await nodes.rows("SELECT id FROM delivery WHERE state < 2 LIMIT 1").isEmpty
        }
        let arrivals = receiver.arrivals.filter { $0.answer == 200 }
        let delivered = Dictionary(grouping: arrivals, by: Self.name)
        var expected: Set<String> = []
        for client in told {
            #expect(client.received.count == count)
            expected.formUnion(client.received.values.map { "\(Self.received) \($0)" })
            expected.formUnion(client.reported.map { "\(Self.sent) \($0)" })
        }
        #expect(expected.subtracting(delivered.keys) == [], "answered and not delivered")
        for (name, arrivals) in delivered {
            #expect(Set(arrivals.map(\.id)).count == 1, "\(name) has more than one event")
            #expect(Set(arrivals.map(\.body)).count == 1, "\(name): the bytes differ between attempts")
        }
        let stored = try await nodes.rows("SELECT content FROM message WHERE type = 'mobile-originated'")
        #expect(stored.count == Set(try stored.map { try $0.get("content", as: String.self) }).count)
        let states = try await nodes.rows("SELECT state, COUNT(*) AS number FROM delivery GROUP BY state")
        #expect(try states.map { try $0.get("state", as: Int.self) } == [2], "not all deliveries succeeded")
        let twice = arrivals.count - delivered.count
        print("nodes: \(expected.count) events, \(arrivals.count) requests, \(twice) duplicates")
        #expect((0...bound).contains(twice))
    }
}
