import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Servers that answer what no server should.
@Suite(.timeLimit(.minutes(15))) struct OddOldServerTests {
    private static let contact = "+18005550100"

    private static func id(_ number: Int) -> JSON {
        let digits = String(number)
        return .string("00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits)
    }

    private static func message(_ number: Int, _ more: [String: JSON] = [:]) -> JSON {
        let time: JSON = .string(Timestamp(seconds: 1_750_000_000 + Int64(number)).rfc3339)
        let message: JSON = [
            "id": id(number), "owner": "+18005550199", "contact": .string(contact), "content": "Text \(number)",
            "type": "mobile-originated", "status": "received", "request_received_at": time, "created_at": time,
            "updated_at": time, "order_timestamp": time, "received_at": time,
        ]
        return message.with(more)
    }

    private static func list(_ elements: [JSON]) -> WebhookReceiver.Answer {
        let body: JSON = ["data": .array(elements), "message": "fetched", "status": "success"]
        // A literal of the test can be encoded.
        return .status(200, body: (try? Array(JSONEncoder().encode(body))) ?? [])
    }

    /// The one phone and conversation of a server, and what `messages` answers for a `skip`.
    private static func answer(
        _ request: WebhookReceiver.Request, messages: (Int) -> WebhookReceiver.Answer
    ) -> WebhookReceiver.Answer {
        let parameters = QueryParameters(query: request.path.split(separator: "?").dropFirst().joined())
        let skip = Int(parameters["skip"] ?? "") ?? 0
        if request.path.hasPrefix("/v1/messages?") { return messages(skip) }
        guard skip == 0 else { return list([]) }
        if request.path.hasPrefix("/v1/phones?") {
            return list([["id": id(1), "phone_number": "+18005550199"]])
        }
        let thread: JSON = ["id": id(2), "owner": "+18005550199", "contact": .string(contact)]
        return list(parameters["is_archived"] == "true" ? [] : [thread])
    }

    @Test(arguments: Engine.enabled) func whatCanBeReadIsKeptAndTheRestIsNamed(engine: Engine) async throws {
        let now = SystemClock().now()
        let large = String(repeating: "ä", count: 1 << 19)
        let year1: JSON = "0001-01-01T00:00:00Z"
        let elements: [JSON] = [
            7, ["content": "no id"], Self.message(1, ["type": "fax"]), Self.message(2, ["owner": ""]),
            Self.message(3, ["type": "mobile-terminated", "status": "deleted"]),
            Self.message(4, ["request_received_at": year1, "received_at": year1, "order_timestamp": year1]),
            Self.message(5, ["order_timestamp": "9999-12-31T00:00:00Z"]), Self.message(6, ["content": .string(large)]),
            Self.message(7, ["type": "mobile-terminated", "status": "sending"]),
            Self.message(
                8, ["type": "mobile-terminated", "status": "pending", "created_at": .string(now.rfc3339)]),
            Self.message(9, ["content": nil, "attachments": nil, "send_time": -5, "encrypted": "yes"]),
            Self.message(10, ["content": "a\u{0}b"]),
        ]
        try await WebhookReceiver.run { request, count in
            if request.path.hasPrefix("/v1/phones"), count < 2 {
                return .status(count == 0 ? 429 : 503, headers: ["Retry-After": "1"])
            }
            return Self.answer(request) { $0 == 0 ? Self.list(elements) : Self.list([]) }
        } body: { receiver in
            let url = receiver.url("")
            try await withServer(on: engine) { server in
                let account = try await server.makeAccount()

                let summary = try await importHistory(from: OldServer.at(url), into: account, of: server)

                #expect(summary.count(.new) == 7)
                #expect(summary.count(.waits) == 1)
                #expect(summary.unusable.count == 3)
                #expect(summary.problems == ["GET /v1/messages: an element cannot be read"])
                #expect(!summary.isComplete(.bring))
                let listed = try await account.history(with: Self.contact)
                let messages = Dictionary(grouping: listed) { $0["id"] }
                func kept(_ number: Int) -> JSON { messages[Self.id(number)]?.first ?? .absent }
                #expect(messages.count == 7)
                #expect(kept(3)["status"] == "failed")
                #expect(kept(3)["failure_reason"] == "its status was 'deleted' on the old server")
                let told = Self.message(4)["created_at"]
                #expect(kept(4)["order_timestamp"] == told)
                #expect(kept(4)["received_at"] == told)
                let fifth = Self.message(5)["created_at"]
                #expect(kept(5)["order_timestamp"] == fifth)
                #expect(kept(6)["content"].string.utf8.count == 128 << 10)
                #expect(kept(6)["failure_reason"].string.contains("1048576 bytes"))
                #expect(kept(7)["status"] == "failed")
                #expect(kept(9)["content"] == "")
                #expect(kept(9)["send_time"] == 0)
                #expect(kept(10)["content"] == "a\u{FFFD}b")
            }
        }
    }

    /// The five newest of 150 are deleted while they are read: what comes behind them moves to the front.
    @Test func whatMovesBetweenTwoPagesIsReadAllTheSame() async throws {
        let all = (1...150).reversed().map { Self.message($0) }
        try await WebhookReceiver.run { request, _ in
            Self.answer(request) { skip in
                let left = skip == 0 ? all[...] : all.dropFirst(5)
                return Self.list(Array(left.dropFirst(skip).prefix(100)))
            }
        } body: { receiver in
            let url = receiver.url("")
            try await withServer { server in
                let account = try await server.makeAccount()

                let summary = try await importHistory(from: OldServer.at(url), into: account, of: server)

                #expect(summary.count(.new) == 150)
                #expect(summary.isComplete(.bring))
            }
        }
    }

    @Test func aServerThatDoesNotPageIsToldOf() async throws {
        let all = (1...100).map { Self.message($0) }
        try await WebhookReceiver.run { request, _ in
            Self.answer(request) { _ in Self.list(all) }
        } body: { receiver in
            let url = receiver.url("")
            try await withServer { server in
                let account = try await server.makeAccount()

                let summary = try await importHistory(from: OldServer.at(url), into: account, of: server)

                #expect(summary.count(.new) == 100)
                #expect(summary.problems.count == 1)
                #expect(!summary.isComplete(.bring))
            }
        }
    }

    @Test(arguments: [401, 404, 302, 500])
    func aServerThatRefusesEndsTheImport(status: Int) async throws {
        try await WebhookReceiver.run { _, _ in
            .status(status)
        } body: { receiver in
            let url = receiver.url("")
            try await withServer { server in
                let account = try await server.makeAccount()
                let error = await #expect(throws: ImportError.self) {
                    _ = try await importHistory(from: OldServer.at(url), into: account, of: server)
                }
                let kind = try #require(error).kind
                let kinds: [Int: ImportError.Kind] = [401: .unauthorised, 500: .failed]
                #expect(kind == kinds[status, default: .refused])
            }
        }
    }

    /// A push of the old server may reach the phone when it is logged in here.
    @Test func whatExpiredThereIsNotHandedToAPhone() async throws {
        let expired = Self.message(1, ["type": "mobile-terminated", "status": "expired"])
        try await WebhookReceiver.run { request, _ in
            Self.answer(request) { $0 == 0 ? Self.list([expired]) : Self.list([]) }
        } body: { receiver in
            let url = receiver.url("")
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                _ = try await importHistory(from: OldServer.at(url), into: account, of: server)

                let answer = try await phone.fetch(Self.id(1).string)

                #expect(answer.status == 404)
                let message = try await account.message(Self.id(1).string)
                #expect(message["status"] == "expired")
            }
        }
    }

    @Test func aTransactionTakesABoundedPart() throws {
        func messages(_ count: Int, content: String) throws -> [OldMessage] {
            try (1...count).map { number in
                let data = try JSONEncoder().encode(Self.message(number, ["content": .string(content)]))
                return try JSONDecoder().decode(OldMessage.self, from: data)
            }
        }
        let small = ImportOperations.portions(of: try messages(450, content: "Hi"))
        #expect(small.map(\.count) == [200, 200, 50])
        let large = ImportOperations.portions(of: try messages(3, content: String(repeating: "x", count: 600_000)))
        #expect(large.map(\.count) == [1, 1, 1])
        let twice = ImportOperations.portions(of: try messages(2, content: "Hi") + messages(2, content: "Hi"))
        #expect(twice.map(\.count) == [2])
    }
}
