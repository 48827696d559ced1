import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// Names and readable numbers on pages.
@Suite(.timeLimit(.minutes(15))) struct PagePartyTests {
    private static func placed(_ html: String, _ names: [String: String] = [:]) -> String {
        String(decoding: PageParties(Array(html.utf8)).placed(names: names), as: UTF8.self)
    }

    @Test func aPartyIsShownByNameAndNumber() {
        let number = "+18005550101"
        let names = [number: "Zoë <b>&'\""]
        let bare = "<bdi class=\"number\" title=\"+18005550101\">+1 800-555-0101</bdi>"
        let escaped = "Zoë &lt;b&gt;&amp;&#39;&quot;"

        #expect(Self.placed(PageParty.full(number), names) == "<bdi>\(escaped)</bdi> \(bare)")
        #expect(Self.placed(PageParty.full(number)) == bare)
        #expect(Self.placed(PageParty.name(number), names) == "<bdi title=\"+18005550101\">\(escaped)</bdi>")
        #expect(Self.placed(PageParty.number(number), names) == bare)
        #expect(Self.placed(PageParty.text(number), names) == escaped)
        #expect(Self.placed(PageParty.digits(number), names) == "+1 800-555-0101")
        let link = "<a aria-label=\"To \(PageParty.full(number))\">\(PageParty.digits(number))</a>"
        #expect(Self.placed(link, names) == "<a aria-label=\"To \(escaped)\">+1 800-555-0101</a>")
    }

    @Test(arguments: [
        "", "MTN", "<script>alert(1)</script>\"'&;", "12345", "+", "+999999999999999", "+1\u{0}2", "e\u{301};\u{202E}",
        "+4915112345678;", "\u{F8FF}", String(repeating: "9", count: 65), String(repeating: "<", count: 100_000),
    ])
    func whatIsNoNumberIsShownAsItIs(text: String) {
        let html = Self.placed("<p>\(Self.inTemplate(PageParty.full(text)))</p>")

        #expect(html.contains(Self.inTemplate(text)) && !html.contains("<script"))
        #expect(html.hasPrefix("<p>") && html.hasSuffix("</p>"))
    }

    /// As templates put a text in.
    private static func inTemplate(_ text: String) -> String {
        [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")].reduce(text) {
            $0.replacing($1.0, with: $1.1)
        }
    }

    private static let begin = String(decoding: PageParty.begin, as: UTF8.self)

    @Test(arguments: ["", "a", "\u{F8FF}f2b;", begin, begin + "f", begin + "f2;", begin + "x2b;", begin + "fzz;"])
    func whatIsNoMarkStaysOrVanishes(text: String) {
        #expect(text.hasPrefix(Self.placed(text)))
    }

    @Test(arguments: [
        ("+18005550101", "+1 800-555-0101"), ("+4915112345678", "+49 1511 2345678"),
        ("+442079460958", "+44 20 7946 0958"),
        ("12345", "12345"), ("+00000000", "+00000000"), ("+123456789012345", "+1 23456789012345"), ("", ""),
    ])
    func numbersAreWrittenForReading(number: String, text: String) {
        #expect(PhoneNumber.readable(number) == text)
    }

    @Test(arguments: Engine.enabled) func everyPageNamesWhomItIsAbout(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550101", "content": "red fox"])
            let failed = try await account.send(["to": "+18005550101", "content": "red ant"])["id"].string
            _ = try await phone.report("FAILED", failed)
            let later = (server.clock.now() + .seconds(86_400)).rfc3339
            let planned = try await account.send([
                "to": "+18005550101", "content": "Later", "send_at": .string(later),
            ])["id"].string
            let thread = try await MessagePageTests.firstThread(page)
            let pages = [
                "/messages", "/messages?query=red", thread, "/messages/message/\(failed)", "/messages/planned",
                "/messages/planned/\(planned)", "/attention", "/events",
            ]
            _ = try await eventually("the events are listed") {
                try await page.get("/events").text.contains("<code>message.phone.received</code>") ? true : nil
            }
            let number = "title=\"+18005550101\">+1 800-555-0101</bdi>"
            for path in pages { #expect(try await page.get(path).text.contains(number), "\(path)") }

            let name = "Zoë <script>alert(1)</script>"
            _ = try await account.client.post(
                "/v1/contacts", [["name": .string(name), "phone_numbers": ["+18005550101"]]])
            let shown = "Zoë &lt;script&gt;alert(1)&lt;/script&gt;"
            for path in pages {
                let text = try await page.get(path).text
                #expect(text.contains("<bdi>\(shown)</bdi> ") && text.contains(number), "\(path)")
                #expect(!text.contains("<script>alert") && !text.contains("\u{F8FF}"), "\(path)")
            }
            let conversation = try await page.get(thread).text
            #expect(conversation.contains("<title>\(shown) · httpSMS</title>"))
            #expect(conversation.contains("action=\"/messages/planned/\(planned)/cancel\""))
            #expect(try await page.get("/messages/new").text.contains("\">+1 800-555-0199</option>"))
            let other = try await server.signedInWithPhone()
            _ = try await other.phone.receive(["from": "+18005550101", "content": "red fox"])
            #expect(try await !other.page.get("/messages").text.contains("Zoë"))
        }
    }

    @Test(arguments: Engine.enabled) func aNameFindsItsMessages(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            for (number, content) in [("+18005550101", "red"), ("+18005550102", "green"), ("+18005550103", "blue")] {
                _ = try await phone.receive(["from": .string(number), "content": .string(content)])
            }
            _ = try await account.client.post(
                "/v1/contacts",
                [
                    ["name": "Zoë <Red>", "phone_numbers": ["+18005550101", "+18005550102"]],
                    ["name": "Bob", "phone_numbers": ["+18005550103"]],
                ])
            let other = try await server.signedInWithPhone()
            _ = try await other.account.client.post(
                "/v1/contacts", [["name": "Zoë Stranger", "phone_numbers": ["+18005550103"]]])

            let byName = try await page.get("/messages?contact=zoe").text
            let byNumber = try await page.get("/messages?contact=800+555+0103").text
            let byText = try await page.get("/messages?query=zoe").text
            let nobody = try await page.get("/messages?contact=nobody&query=qqq").text

            #expect([">red<", ">green<", ">blue<"].map(byName.contains) == [true, true, false])
            #expect([">red<", ">green<", ">blue<"].map(byNumber.contains) == [false, false, true])
            let link = "href=\"/messages?contact=%2B18005550101\"><span class=\"party\"><bdi>Zoë &lt;Red&gt;</bdi>"
            #expect(byText.contains(link) && !byText.contains("Nothing found") && !byText.contains("Stranger"))
            #expect(nobody.contains("Nothing found") && !nobody.contains("All messages of this contact"))
        }
    }

    @Test func aNameThatIsRubbishBreaksNoPage() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550101", "content": "Hello"])
            _ = try await account.client.post("/v1/contacts", [["name": "Ann", "phone_numbers": ["+18005550101"]]])
            for name in ["X'ff3c'", "'" + String(repeating: "<", count: 100_000) + "'", "''"] {
                try await server.store.write(.maintenance) { tx in
                    _ = try tx.run("UPDATE contact SET name = CAST(\(SQL(stringLiteral: name)) AS TEXT)")
                }
                let answer = try await page.get("/messages")
                #expect(answer.status == 200 && answer.text.contains(">Hello<") && answer.text.utf8.count < 20_000)
            }
        }
    }
}
