import TestSupport
import Testing

@testable import Dashboard

/// Status URLs: the field of a new message, and the list.
@Suite(.timeLimit(.minutes(15))) struct CallbackPageTests {
    private static let new = "/messages/new"

    private static func fields(_ url: String) -> [(String, String)] {
        [("from", "+18005550199"), ("to", "+18005550100"), ("content", "Hi"), ("callback_url", url)]
    }

    @Test func aMessageHasAStatusURLAndTheListShowsHowItFares() async throws {
        try await WebhookReceiver.run { receiver in
            try await withServer { server in
                let (page, account, phone) = try await server.signedInWithPhone()
                #expect(try await page.get(CallbackPages.path).text.contains("No message has a status URL"))

                let sent = try await page.submit(Self.new, on: Self.new, Self.fields(receiver.url("/status?<b>")))
                #expect(sent.status == 303)
                let message = try #require(try await account.client.get("/v1/messages/search").data.array.first)
                _ = try await phone.report("SENT", message["id"].string)
                _ = try await receiver.requests(1)

                let text = try await eventually("a status URL that was told of it") {
                    let text = try await page.get(CallbackPages.path).text
                    return text.contains("<dt>Last success</dt><dd>none</dd>") ? nil : text
                }
                #expect(text.contains("/status?&lt;b&gt;") && text.contains("<span class=\"status active\">"))
                let stranger = try await server.signedIn(try await server.makeAccount())
                #expect(try await stranger.get(CallbackPages.path).text.contains("No message has a status URL"))
            }
        }
    }

    @Test func whatWasGivenUpStandsThereAndLeadsBack() async throws {
        try await WebhookReceiver.run { _, _ in
            .status(404)
        } body: { receiver in
            try await withServer { server in
                let (page, account, phone) = try await server.signedInWithPhone()
                let message = try await account.send(["callback_url": .string(receiver.url("/status"))])
                _ = try await phone.report("SENT", message["id"].string)
                let link = try await eventually("a failure on the page") {
                    let text = try await page.get(CallbackPages.path).text
                    return text.firstMatch(of: /<a href="(\/deliveries\/[^"]+)">/).map { String($0.1) }
                }
                let text = try await page.get(CallbackPages.path).text
                let delivery = try await page.get(link)

                #expect(text.contains("<span class=\"status failed\">") && text.contains("</span> 404"), "\(text)")
                #expect(delivery.status == 200 && delivery.text.contains("href=\"\(CallbackPages.path)\">Status URLs"))
            }
        }
    }

    @Test func aWrongOneIsToldAtItsFieldAndNothingIsSent() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let answer = try await page.submit(Self.new, on: Self.new, Self.fields("ftp://x"))

            #expect(answer.status == 422 && answer.text.contains("value=\"ftp://x\""))
            #expect(
                answer.text.contains("<details open>")
                    && answer.text.contains("Enter a URL that begins with https:// or http://."))
            #expect(try await account.client.get("/v1/messages/search").data == [])
        }
    }
}
