import TestSupport
import Testing

@testable import Dashboard

/// What a webhook is called on pages.
@Suite(.timeLimit(.minutes(15))) struct WebhookStateTests {
    /// Saving forgives what failed, and says nothing about the receiver.
    @Test func savingAWebhookThatFailsDoesNotMakeItLookWell() async throws {
        let isMended = Flag()
        try await WebhookReceiver.run { _, _ in
            .status(isMended.isSet ? 200 : 404)
        } body: { receiver in
            try await withServer { server in
                let (page, account, _) = try await server.signedInWithPhone()
                let id = try await account.makeWebhook(receiver.url("/hook"))["id"].string
                let path = "\(WebhookPages.path)/\(id)"
                func wait(for status: String) async throws {
                    _ = try await eventually("the webhook is \(status)") {
                        try await page.get(path).text.contains("<span class=\"status \(status)\">\(status)</span>")
                            ? true : nil
                    }
                }
                try await wait(for: "active")
                _ = try await page.submit("\(path)/test", on: path, [])
                try await wait(for: "failing")

                // Where it is sent to is another one, of which nothing is known.
                let saved = try await page.submit(
                    "\(path)/edit", on: "\(path)/edit",
                    [
                        ("url", receiver.url("/moved")), ("events", "message.phone.received"),
                        ("phone_numbers", "+18005550199"),
                    ])
                #expect(saved.status == 303)
                try await wait(for: "untried")
                #expect(try await page.get(path).text.contains("its last attempt failed; it was not tried since"))
                #expect(try await page.get(WebhookPages.path).text.contains("status untried"))

                isMended.set()
                _ = try await page.submit("\(path)/test", on: path, [])
                try await wait(for: "active")
            }
        }
    }
}
