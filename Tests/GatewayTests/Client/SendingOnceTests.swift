import JSON
import Secrets
import TestSupport
import Testing

@testable import Agents
@testable import Client

/// What an agent sends, when nobody knows whether it was sent.
@Suite(.timeLimit(.minutes(15)), .onOneEngine) struct SendingOnceTests {
    @Test func whatIsNotKnownIsAskedAgainUnderOneKey() async throws {
        let sent = """
            {"data": {"id": "1", "contact": "+18005550100", "type": "mobile-terminated", "status": "pending", \
            "content": "Hi", "order_timestamp": "2026-07-22T10:15:29Z"}, "message": "added to queue"}
            """
        try await WebhookReceiver.run { _, count in
            count < 2 ? .status(503) : .status(200, body: Array(sent.utf8))
        } body: { server in
            let tools = Self.tools(server)
            let arguments = try AgentArguments(
                json: Array(#"{"to":["+18005550100"],"content":"Hi","phone":"+18005550199"}"#.utf8))

            let result = try await tools.send(arguments)

            let keys = server.requests(to: "/v1/messages/send").map { $0.header("idempotency-key") }
            #expect(keys.count == 3 && Set(keys).count == 1 && keys[0] != nil, "\(keys)")
            #expect(String(decoding: result.encodedJSON(), as: UTF8.self).contains("added to queue"))
        }
    }

    @Test func whatIsRefusedIsNotAskedAgain() async throws {
        try await WebhookReceiver.run { _, _ in
            .status(422)
        } body: { server in
            let arguments = try AgentArguments(
                json: Array(#"{"to":["+18005550100"],"content":"Hi","phone":"+18005550199"}"#.utf8))
            await #expect(throws: AgentFault.self) { try await Self.tools(server).send(arguments) }
            #expect(server.requests.count == 1)
        }
    }

    private static func tools(_ server: WebhookReceiver) -> AgentTools {
        let client = ServerClient(ClientSettings(url: server.url(""), apiKey: Secret("uk_test")))
        return AgentTools(api: client, limits: AgentLimits(mostRecipients: 10, unconfirmed: 3)) { _ in }
    }
}
