import Foundation
import TestSupport
import Testing

@testable import Gateway

/// The pages of saved texts, and their choice where somebody writes.
@Suite(.timeLimit(.minutes(15))) struct SavedTextPageTests {
    private static let path = "/messages/texts"
    private static let new = "/messages/new"

    /// Saves a text of `account`; gives its id.
    private static func save(_ content: String, name: String = "Ready", _ account: Account) async throws -> String {
        let text = try await account.client.post("/v1/texts", ["name": .string(name), "content": .string(content)])
        return text.data["id"].string
    }

    /// What stands in the field of a form that somebody writes a message in.
    private static func message(in html: String) -> String? {
        html.firstMatch(of: /(?s)<textarea id="text"[^>]*>(.*?)<\/textarea>/).map { String($0.1) }
    }

    @Test(arguments: Engine.enabled) func aTextIsSavedChangedAndDeleted(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, _) = try await server.signedInWithPhone()
            #expect(try await page.get(Self.path).text.contains("No text yet"))
            #expect(try await page.get("/messages").text.contains("href=\"\(Self.path)\""))
            let bad = try await page.submit(
                "\(Self.path)/new", on: "\(Self.path)/new", [("name", "<b>"), ("content", " ")])
            #expect(
                bad.status == 422 && bad.text.contains("value=\"&lt;b&gt;\"") && bad.text.contains("Write a message."))

            let form = try await page.get("\(Self.path)/new").text
            let once = try #require(form.firstMatch(of: /name="once" value="([^"]+)"/)?.1)
            let fields = [("name", "<b>\"Ready\""), ("content", "Hello {{name}},\r\n{{city}}"), ("once", String(once))]
            for _ in 0..<2 {
                let saved = try await page.submit("\(Self.path)/new", on: "\(Self.path)/new", fields)
                #expect(saved.header("Location") == "\(Self.path)?notice=saved")
            }
            let texts = try await account.client.get("/v1/texts").data.array
            #expect(texts.map { $0["content"] } == ["Hello {{name}},\n{{city}}"])
            let path = "\(Self.path)/\(texts[0]["id"].string)"
            let list = try await page.get(Self.path).text
            #expect(list.contains("<bdi>&lt;b&gt;&quot;Ready&quot;</bdi>") && list.contains("1 text."))
            #expect(list.contains("32 characters, 1 SMS · with {{name}}, {{city}}"), "\(list)")
            #expect(try await Self.message(in: page.get(path).text) == "Hello {{name}},\n{{city}}")

            let stranger = try await server.signedInWithPhone().page
            #expect(try await stranger.get(path).status == 404)
            let taken = [("name", "x"), ("content", "y")]
            #expect(try await stranger.submit(path, on: "/account", taken).status == 404)
            #expect(try await stranger.submit("\(path)/delete", on: "/account", []).status == 404)

            _ = try await page.submit(path, on: path, [("name", "Closed"), ("content", "We are closed.")])
            #expect(try await account.client.get("/v1/texts").data[0]["content"] == "We are closed.")
            let deleted = try await page.submit("\(path)/delete", on: path, [])
            #expect(deleted.header("Location") == "\(Self.path)?notice=deleted")
            #expect(try await page.get(path).status == 404)
            #expect(try await page.get("\(Self.path)/x").status == 404)
        }
    }

    @Test func aTextFillsTheFormAndNothingIsSentBeforeSomebodySaysSo() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            #expect(try await page.get(Self.new).text.contains("Save a text that you send often"))
            let id = try await Self.save("Hello {{name}} <b>, {{number}}", account)
            _ = try await account.client.post(
                "/v1/contacts", [["name": "Ann & \"{{number}}\"", "phone_numbers": ["+18005550100"]]])
            let link = try await page.get("\(Self.new)?text=\(id)").text
            #expect(link.contains("<option value=\"\(id)\" selected>Ready</option>"))

            let filled = try await page.submit(
                "\(Self.new)/text", on: Self.new,
                [
                    ("from", phone.number), ("to", "+1 800 555 0100"), ("content", "old"), ("text", id),
                    ("request_id", "order-7"),
                ])
            #expect(filled.status == 200)
            #expect(
                Self.message(in: filled.text)
                    == "Hello Ann &amp; &quot;{{number}}&quot; &lt;b&gt;, +18005550100", "\(filled.text)")
            #expect(filled.text.contains(">46 characters, 1 SMS</output>"), "\(filled.text)")
            #expect(filled.text.contains("value=\"order-7\"") && filled.text.contains("value=\"+1 800 555 0100\""))
            #expect(!filled.text.contains("class=\"wrong\""))
            #expect(try await account.allMessages().isEmpty)

            // What the contact is called is sent as it is, whatever it looks like.
            let content = "Hello Ann & \"{{number}}\" <b>, +18005550100"
            let sent = try await page.submit(
                Self.new, on: Self.new,
                [("from", phone.number), ("to", "+18005550100"), ("content", content), ("text", id)])
            #expect(sent.status == 303)
            #expect(try await account.allMessages().map { $0["content"] } == [.string(content)])
        }
    }

    @Test func whatHasNoValueIsToldAndNeverSent() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let id = try await Self.save("Hello {{name}} of {{city}}, {{number}}", account)
            let fields = [("from", phone.number), ("to", "+18005550100")]

            let filled = try await page.submit("\(Self.new)/text", on: Self.new, fields + [("text", id)])
            #expect(filled.status == 200 && !filled.text.contains("class=\"problem\" role"))
            #expect(Self.message(in: filled.text) == "Hello {{name}} of {{city}}, +18005550100")
            #expect(filled.text.contains("there is no name for it. Write it in the place of {{name}}."))
            #expect(filled.text.contains("Nothing is known as “city” of this number."))
            let nobody = try await page.submit(
                "\(Self.new)/text", on: Self.new, [("from", phone.number), ("to", ""), ("text", id)])
            #expect(nobody.text.contains("There is no number yet that it goes to."))
            let unknown = try await page.submit(
                "\(Self.new)/text", on: Self.new, fields + [("content", "kept"), ("text", "x")])
            #expect(unknown.status == 422 && unknown.text.contains("Choose one of your texts first."))
            #expect(Self.message(in: unknown.text) == "kept")

            let sent = try await page.submit(
                Self.new, on: Self.new, fields + [("content", "Hello {{ NAME }} of Berlin"), ("text", id)])
            #expect(sent.status == 422 && sent.text.contains("The message was not sent."))
            #expect(Self.message(in: sent.text) == "Hello {{ NAME }} of Berlin")
            #expect(sent.text.contains("Write it in the place of {{NAME}}."))
            #expect(try await account.allMessages().isEmpty)
            // Half a placeholder is text.
            let half = try await page.submit(Self.new, on: Self.new, fields + [("content", "Hello {{name} of {{")])
            #expect(half.status == 303)
        }
    }

    @Test func anAnswerIsFilledFromASavedText() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550101", "content": "Is it there?"])
            let path = try await MessagePageTests.firstThread(page)
            let id = try await Self.save("Yes, {{name}}.", name: "Z\u{301}\"", account)
            let other = try await Self.save("No", name: "answer", account)
            #expect(
                try await page.get(path).text.contains(
                    """
                    <option value="\(other)">answer</option><option value="\(id)">Z\u{301}&quot;</option>
                    """))

            let missing = try await page.get("\(path)?text=\(id)")
            #expect(missing.status == 200 && Self.message(in: missing.text) == "Yes, {{name}}.")
            #expect(missing.text.contains("there is no name for it.") && missing.text.contains(" autofocus"))
            let sent = try await page.submit(path, on: path, [("content", "Yes, {{name}}."), ("text", id)])
            #expect(sent.status == 422 && sent.text.contains("The message was not sent."))
            #expect(Self.message(in: sent.text) == "Yes, {{name}}.")
            _ = try await account.client.post("/v1/contacts", [["name": "Zoë", "phone_numbers": ["+18005550101"]]])
            let filled = try await page.get("\(path)?text=\(id)")
            #expect(Self.message(in: filled.text) == "Yes, Zoë." && !filled.text.contains("class=\"wrong\""))
            #expect(filled.text.contains(">9 characters, 1 SMS</output>"))

            let stranger = try await server.signedInWithPhone()
            let foreign = try await Self.save("Secret", stranger.account)
            let refused = try await page.get("\(path)?text=\(foreign)")
            #expect(refused.status == 422 && refused.text.contains("Choose one of your texts first."))
            #expect(Self.message(in: refused.text) == "" && !refused.text.contains("Secret"))
            #expect(try await page.get("\(path)?text=").text.contains("Choose one of your texts first."))
            let strange = try await stranger.page.get("\(path)?text=\(foreign)")
            #expect(strange.status == 404)
            #expect(try await account.allMessages().count == 1)
        }
    }

    /// A hundred texts with the longest names still make pages that load at once.
    @Test func pagesWithAHundredTextsStaySmall() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550101", "content": "Hello"])
            for number in 0..<SavedText.mostOfAccount {
                _ = try await Self.save(
                    String(repeating: "Hello {{name}}, ", count: 20),
                    name: "\(number) " + String(repeating: "n", count: 90),
                    account)
            }
            for path in [Self.path, Self.new, try await MessagePageTests.firstThread(page), "\(Self.path)?skip=90"] {
                let text = try await page.get(path).text
                #expect(text.utf8.count < 40_000, "\(path): \(text.utf8.count)")
            }
            #expect(try await page.get("\(Self.path)?skip=90").text.contains("skip=60"))
            #expect(try await page.get("\(Self.path)?skip=9223372036854775807").status == 200)
        }
    }
}
