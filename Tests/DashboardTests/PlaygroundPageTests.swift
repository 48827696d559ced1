import TestSupport
import Testing

@testable import Dashboard

/// The receiver on the server itself, as a page.
@Suite(.timeLimit(.minutes(15))) struct PlaygroundPageTests {
    private static let path = PlaygroundPages.path

    @Test func aReceiverIsMadeShowsWhatCameAndIsDeleted() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            #expect(try await page.get(Self.path).text.contains("No test receiver yet"))
            #expect(try await page.submit(Self.path, on: Self.path, []).status == 303)
            let empty = try await page.get(Self.path).text
            let url = String(try #require(empty.firstMatch(of: /<pre id="receiver-url">([^<]+)</)).1)
            #expect(empty.contains("Nothing came yet"))
            let form = try await page.get("/settings/webhooks/new?url=\(url)").text
            #expect(form.contains("value=\"\(url)\""))

            let webhook = try await account.makeWebhook(url)
            let tested = try await account.client.post("/v1/webhooks/\(webhook["id"].string)/test", [:])
            #expect(tested.status == 202, "\(tested)")
            let unsigned = try await account.client.send(
                "POST", String(url.dropFirst(server.baseURL.count)), headers: [], body: Array("{\"<i>\": 1".utf8))
            #expect(unsigned.status == 204)

            let text = try await eventually("both requests") {
                let text = try await page.get(Self.path).text
                return text.contains("signature is right") && text.contains("not signed") ? text : nil
            }
            #expect(text.contains("<span class=\"status active\">signature is right</span>"))
            #expect(text.contains("<code>message.phone.received</code>"))
            #expect(text.contains("<span class=\"status paused\">not signed</span>") && text.contains("<p>Body: "))
            #expect(text.contains("&lt;i&gt;") && !text.contains("<i>") && !text.contains("Bearer ey"))

            let stranger = try await server.signedIn(try await server.makeAccount())
            #expect(try await stranger.get(Self.path).text.contains("No test receiver yet"))
            for _ in 0..<2 {
                #expect(try await page.submit(Self.path + "/delete", on: Self.path, []).status == 303)
                #expect(try await page.get(Self.path).text.contains("No test receiver yet"))
            }
        }
    }
}
