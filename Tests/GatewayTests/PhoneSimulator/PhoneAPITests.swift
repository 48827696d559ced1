import Delivery
import Foundation
import HTTPSMSWebhooks
import Secrets
import TestSupport
import Testing
import Timestamps
import Wire

@testable import Gateway
@testable import PhoneSimulator

/// The Android app's habits: headers, timestamps, what counts as success, and what is sent again.
@Suite(.timeLimit(.minutes(15))) struct PhoneAPITests {
    private static let conclusions: [(PhoneAPI.Call, Int?, PhoneAPI.Conclusion)] = [
        (.report, 200, .done), (.report, 204, .done), (.report, 404, .done), (.report, 400, .retry),
        (.report, 401, .retry), (.report, 422, .retry), (.report, 500, .retry), (.report, nil, .lost),
        (.receive, 200, .done), (.receive, 402, .refused), (.receive, 413, .refused), (.receive, 422, .refused),
        (.receive, 500, .retry), (.receive, 503, .retry), (.receive, 302, .retry), (.receive, nil, .retry),
        (.missedCall, 200, .done), (.missedCall, 404, .refused), (.missedCall, 503, .retry), (.missedCall, nil, .lost),
    ]

    @Test(arguments: conclusions)
    func anAnswerIsJudgedAsTheAppDoes(call: PhoneAPI.Call, status: Int?, conclusion: PhoneAPI.Conclusion) {
        #expect(PhoneAPI.conclusion(of: call, status: status) == conclusion)
    }

    @Test(arguments: [
        (1_784_715_329_814_999, "2026-07-22T10:15:29.814000000Z"), (0, "1970-01-01T00:00:00.000000000Z"),
        (1_784_715_329_000_000, "2026-07-22T10:15:29.000000000Z"),
        (1_784_715_329_007_000, "2026-07-22T10:15:29.007000000Z"),
    ])
    func timesHaveMillisecondsPaddedToNineDigits(microseconds: Int64, text: String) {
        #expect(PhoneAPI.text(Timestamp(microseconds: microseconds)) == text)
    }

    /// A phone of a server that answers by a script.
    private static func withPhone(
        _ script: @escaping WebhookReceiver.Script,
        _ body: @escaping (SimulatedPhone, WebhookReceiver, Lines) async throws -> Void
    ) async throws {
        try await WebhookReceiver.run(script) { server in
            let lines = Lines()
            let api = PhoneAPI(
                baseURL: server.url(""), apiKey: Secret("pk_secret"), number: "+18005550199", sim: .sim1)
            let phone = SimulatedPhone(
                api, behaviour: .init(latency: .zero, backOff: .milliseconds(1)) { _ in .delivered },
                journal: PhoneJournal { lines.add($0) })
            try await body(phone, server, lines)
            #expect(!lines.all.contains { $0.contains("pk_secret") || $0.contains("+18005550") })
        }
    }

    @Test func anSMSIsSentAgainWithTheSameBodyUntilTheServerTakesIt() async throws {
        try await Self.withPhone({ _, count in .status(count < 3 ? 503 : 200) }) { phone, server, lines in
            await phone.receive("Hi", from: "+18005550100")

            let requests = server.requests(to: "/v1/messages/receive")
            #expect(requests.count == 4)
            #expect(Set(requests.map(\.body)).count == 1)
            let request = try #require(requests.first)
            #expect(request.header("x-api-key") == "pk_secret")
            #expect(request.header("X-Client-Version") == "simulator-\(ServerVersion.current)")
            #expect(request.header("Content-Type") == "application/json; charset=utf-8")
            let time = request.json["timestamp"].string
            #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000000Z/) != nil)
            let expected: JSON = [
                "sim": "SIM1", "from": "+18005550100", "to": "+18005550199", "content": "Hi", "encrypted": false,
                "timestamp": .string(time), "attachments": nil,
            ]
            #expect(request.json == expected)
            #expect(lines.all.count { $0.contains("not taken") } == 3)
            #expect(lines.has("received SMS"))
        }
    }

    @Test func anSMSThatIsRefusedIsForgotten() async throws {
        try await Self.withPhone({ _, _ in .status(422) }) { phone, server, lines in
            await phone.receive("Hi", from: "+18005550100")

            #expect(server.requests.count == 1)
            #expect(lines.has("refused", "the server answered 422"))
        }
    }

    @Test func aReportThatIsNotTakenIsSentAgainAndDoesNotHoldTheNextOneBack() async throws {
        let body = """
            {"data":{"id":"1","owner":"+18005550199","contact":"+18005550100","content":"Hi","encrypted":false,\
            "sim":"SIM1","attachments":[],"status":"sending","type":"mobile-terminated","created_at":"x",\
            "updated_at":"x","order_timestamp":"x","request_received_at":"x"},"message":"m","status":"success"}
            """
        let (arrivals, push) = AsyncStream.makeStream(of: PushEndpoint.Arrival.self)
        let script: WebhookReceiver.Script = { request, count in
            if request.method == "GET" { return .status(200, body: Array(body.utf8)) }
            return .status(request.json["event_name"] == "SENT" && count < 1 ? 401 : 200)
        }
        try await Self.withPhone(script) { phone, server, lines in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await phone.answer(arrivals) }
                push.yield(.message("1"))
                _ = try await server.requests(3, to: "/v1/messages/1/events")
                try await until("both are taken") { lines.has("  SENT") && lines.has("  DELIVERED") }
                group.cancelAll()
            }
            let events = server.requests(to: "/v1/messages/1/events").map { $0.json["event_name"].string }
            #expect(events.first == "SENT")
            #expect(events.sorted() == ["DELIVERED", "SENT", "SENT"])
            #expect(lines.has("not taken", "the server answered 401"))
        }
    }

    @Test func anAnswerThatTheAppDoesNotUnderstandEndsTheAttempt() async throws {
        let (arrivals, push) = AsyncStream.makeStream(of: PushEndpoint.Arrival.self)
        let answer = Array(#"{"data":{"id":"1","contact":null},"message":"m","status":"success"}"#.utf8)
        try await Self.withPhone({ _, _ in .status(200, body: answer) }) { phone, server, lines in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await phone.answer(arrivals) }
                push.yield(.message("1"))
                try await until("it is given up") {
                    lines.has("not fetched", "the app does not understand the answer")
                }
                group.cancelAll()
            }
            #expect(server.requests.count == 1)
        }
    }
}
