import TestSupport
import Testing
import Wire

@testable import Dashboard

/// What pages show of texts that are longer than any SMS.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct LongTextTests {
    /// As long as a phone may report, and six times as long where it is escaped.
    private static let quotes = String(repeating: "\"", count: 127_000)

    @Test func aListShowsTheBeginningAndTheMessagesOwnPageAllOfIt() async throws {
        try await withServer { server in
            let (page, _, phone) = try await server.signedInWithPhone()
            var last = ""
            for number in 0..<50 {
                server.clock.advance(by: .seconds(1))
                let text = "text \(number) \(Self.quotes)"
                last = try await phone.receive(["from": "+18005550100", "content": .string(text)]).data["id"].string
            }
            let thread = try await MessagePageTests.firstThread(page)

            let conversation = try await page.get(thread).text
            #expect(conversation.utf8.count < 2 << 20)
            #expect(conversation.hasBytes("text 0 &quot;") && conversation.hasBytes("text 49 &quot;"))
            #expect(
                conversation.hasBytes("…</p>\n<p><a href=\"/messages/message/\(last)\">Show all of it (125 KiB)</a>"))
            for path in ["/messages", "/messages?query=text"] {
                let list = try await page.get(path).text
                #expect(list.utf8.count < 2 << 20 && list.hasBytes("text 49 &quot;"), "\(path)")
            }

            let whole = try await page.get("/messages/message/\(last)").text
            #expect(whole.hasBytes(String(repeating: "&quot;", count: 127_000) + "</p>"))
            #expect(!whole.hasBytes("Show all of it"))
        }
    }

    @Test func aTextOfUsualLengthIsShownWhole() {
        let text = String(repeating: "x", count: ShownText.longest)

        #expect(ShownText(text).text == text && ShownText(text).wholeSize == nil)
        #expect(ShownText(text + "y").text == text + "…")
        #expect(ShownText(text + "y").wholeSize == "5 KiB")
    }

    @Test(arguments: [
        ("", 4, ""), ("abcd", 4, "abcd"), ("abcde", 4, "abcd"), ("abcde", 0, ""), ("abc€", 4, "abc"),
        ("abc€", 5, "abc"),
        ("abc€", 6, "abc€"), ("😀", 3, ""), ("😀", 4, "😀"), ("e\u{301}e", 1, "e"), ("🇩🇪", 4, "\u{1F1E9}"),
    ])
    func itIsCutBetweenScalars(text: String, count: Int, expected: String) {
        #expect(Array(text.firstBytes(count).utf8) == Array(expected.utf8))
    }
}
