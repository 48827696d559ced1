import Foundation
import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// The pages of forwarder apps.
@Suite(.timeLimit(.minutes(15))) struct ForwarderPageTests {
    private static let path = "/phones/forwarders"

    @Test func aForwarderIsMadeTestedAndDeleted() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let empty = try await page.get(Self.path).text

            let made = try await page.submit(
                Self.path, on: Self.path,
                [
                    ("name", "My <phone>"), ("preset", "tasker"), ("sim1", ""), ("sim2", "+18005550188"),
                    ("template_content", "/payload/text"),
                ])
            let detail = made.header("Location") ?? ""
            let before = try await page.get(detail).text
            let forwarder = try await account.client.get("/v1/forwarders").data[0]
            let url = forwarder["url"].string
            let hook = String(url.dropFirst(server.baseURL.count))
            let sms: JSON = ["from": "+18005550100", "payload": ["text": "<b>Hello</b>"], "sim": "SIM1"]
            let answer = try await server.client.post(hook, sms)
            _ = try await server.client.get(hook + "?nothing=%3Cscript%3E")
            let after = try await page.get(detail).text
            let listed = try await page.get(Self.path).text

            #expect(empty.contains("No forwarder yet"))
            #expect(try await page.get("/phones").text.contains("href=\"\(Self.path)\""))
            #expect(detail == "\(Self.path)/\(forwarder["id"].string)")
            #expect(forwarder["numbers"] == [["sim": "SIM2", "phone_number": "+18005550188"]])
            #expect(forwarder["template"] == ["content": "/payload/text"])
            #expect(before.contains("Nothing came yet") && before.contains(url))
            #expect(before.contains("href=\"/docs/forwarders#tasker\""))
            #expect(before.contains("<code>/payload/text</code>") && before.contains("The URL is not https"))
            #expect(after.contains("href=\"/messages/message/\(answer.data["id"].string)\""))
            #expect(after.contains("<span class=\"status succeeded\">200</span>"))
            #expect(after.contains("<span class=\"status failed\">422</span>"))
            #expect(after.contains("There is no text at /payload/text."))
            #expect(
                after.contains("&lt;b&gt;Hello&lt;/b&gt;") && !after.contains("<b>Hello") && !after.contains("<script>")
            )
            #expect(listed.contains("My &lt;phone&gt;") && listed.contains("last request just now"))
            #expect(try await page.submit("\(detail)/delete", on: detail, []).header("Location") == Self.path)
            #expect(try await page.get(detail).status == 404)
            #expect(try await server.client.post(hook, sms).status == 404)
        }
    }

    @Test func whatIsWrongIsSaidAndNothingIsLost() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()

            let answer = try await page.submit(
                Self.path, on: Self.path,
                [("name", ""), ("preset", "gammu"), ("sim1", "12345"), ("template_sim", "slot")])

            #expect(answer.status == 422)
            for text in [
                "Enter a name.", "Enter a number in the international format", "must be a JSON pointer",
                "value=\"12345\"",
                "value=\"slot\"", "<option value=\"gammu\" selected>", "<details open>",
            ] {
                #expect(answer.text.replacing("&#43;", with: "+").contains(text), "\(text)")
            }
            #expect(try await account.client.get("/v1/forwarders").data == [])
        }
    }

    @Test func othersSeeNothing() async throws {
        try await withServer { server in
            let (page, _, _) = try await server.signedInWithPhone()
            let other = try await ForwarderFixture(server)
            let detail = "\(Self.path)/\(other.data["id"].string)"

            #expect(try await page.get(detail).status == 404)
            #expect(try await page.submit("\(detail)/delete", on: Self.path, []).status == 404)
            #expect(try await page.get("\(Self.path)/x").status == 404)
            #expect(try await other.account.client.get("/v1/forwarders").data.array.count == 1)
        }
    }

    @Test func everyAppHasAHeadingInTheDocumentation() throws {
        let page = try #require(Document.pages.first { $0.name == "forwarders.md" })
        let html = Markdown.html(page.text, address: DocumentationRoutes.address)
        for preset in ForwarderPreset.allCases {
            #expect(html.contains("<a id=\"\(preset.anchor)\"></a>"), "\(preset)")
            #expect(page.text.contains("`\(preset.rawValue)`"), "\(preset)")
        }
    }
}
