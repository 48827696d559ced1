import TestSupport
import Testing

@testable import Gateway

/// The way of a message that phones are told of through Firebase.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MessageStepTests {
    @Test(arguments: [(200, "Pushed to the phone"), (404, "Push failed")])
    func whatFirebaseSaidIsAStep(_ status: Int, _ step: String) async throws {
        try await WebhookReceiver.run { _, _ in
            .status(status, body: Array(#"{"name":"x"}"#.utf8))
        } body: { firebase in
            try await withServer(["FCM_ENDPOINT": firebase.url("")]) { server in
                let (page, account, _) = try await server.signedInWithPhone()
                let id = try await account.send()["id"].string

                let text = try await eventually("the page tells of the push") {
                    [try await page.get("/messages/message/\(id)").text].first { $0.contains(step) }
                }

                let steps = text.matches(of: /<span class="step">([^<]+)<\/span>/).map { String($0.1) }
                #expect(steps.starts(with: ["Queued", "Handed out to the phone", step]))
            }
        }
    }
}
