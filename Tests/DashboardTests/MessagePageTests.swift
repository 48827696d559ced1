import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// Messages: conversations, one message, and sending, over HTTP.
@Suite(.timeLimit(.minutes(15))) struct MessagePageTests {
    private static let new = "/messages/new"
    private static let script = "<script>alert(1)</script>'\"&"
    private static let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&#39;&quot;&amp;"

    /// The path of the conversation that the list of `page` shows first.
    static func firstThread(_ page: PageClient, _ list: String = "/messages") async throws -> String {
        let text = try await page.get(list).text
        let link = try #require(text.firstMatch(of: /class="thread[^"]*" href="([^"]+)"/), "\(text)")
        return String(link.1)
    }

    @Test func aMessageIsSentAndStandsInItsConversation() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let empty = try await page.get("/messages").text

            let sent = try await page.submit(
                Self.new, on: Self.new,
                [
                    ("from", phone.number), ("to", "+1 800 555 0100"), ("content", "Hello"), ("request_id", "order-7"),
                    ("attachments", "https://example.com/a.png\r\nhttps://example.com/b.png\r\n"),
                ])

            #expect(empty.contains("Send the first message"))
            #expect(sent.status == 303)
            let path = try #require(sent.header("Location"))
            let message = try #require(try await account.client.get("/v1/messages/search").data.array.first)
            #expect(message["contact"] == "+18005550100" && message["request_id"] == "order-7")
            #expect(message["attachments"] == ["https://example.com/a.png", "https://example.com/b.png"])
            let text = try await page.get(path).text
            #expect(
                text.contains("<p class=\"said\" dir=\"auto\">Hello</p>")
                    && text.contains("href=\"https://example.com/a.png\""))
            let answer = try await page.submit(path, on: path, [("content", "And again")])
            #expect(answer.header("Location") == path)
            #expect(try await page.get(path).text.contains("And again"))
            #expect(try await page.get("/messages").text.contains("And again"))
        }
    }

    @Test func whatTheAPISaysOfAFieldStandsAtTheFieldAndNothingIsLost() async throws {
        try await withServer { server in
            let page = try await server.signedInWithPhone().page

            let answer = try await page.submit(
                Self.new, on: Self.new,
                [
                    ("from", "+18005550177"), ("to", Self.script), ("content", Self.script), ("send_at", "soon"),
                    ("attachments", "ftp://x"),
                ])
            let second = try await page.submit(
                Self.new, on: Self.new,
                [("from", "+18005550177"), ("to", "MTN"), ("content", Self.script), ("attachments", "ftp://x")])
            let third = try await page.submit(
                Self.new, on: Self.new,
                [("from", "+18005550177"), ("to", "+18005550100"), ("content", "Hi"), ("send_at", "2999-01-01T10:00")])
            let fourth = try await page.submit(
                Self.new, on: Self.new, [("from", "+18005550177"), ("to", "+18005550100"), ("content", "Hi")])

            let longAgo = PageTimes(zone: "UTC", now: .first).field(server.clock.now() - .seconds(2 * 3_600))
            let fifth = try await page.submit(
                Self.new, on: Self.new,
                [("from", "+18005550177"), ("to", "+18005550100"), ("content", "Hi"), ("send_at", longAgo)])

            #expect([answer, second, third, fourth, fifth].map(\.status) == [422, 422, 422, 422, 422])
            #expect(fifth.text.contains("The time is more than an hour in the past."))
            #expect(answer.text.contains("Choose a date and a time, such as"))
            #expect(answer.text.contains("value=\"\(Self.escaped)\"") && answer.text.contains(">\(Self.escaped)<"))
            #expect(
                second.text.contains(
                    "Enter a number in the international format, such as +18005550100, or a short code."))
            #expect(second.text.contains("Each attachment is a URL that begins with"))
            #expect(second.text.contains("<details open>"))
            #expect(third.text.contains("Choose a time within the next 20 days."))
            #expect(third.text.contains("value=\"2999-01-01T10:00\""))
            #expect(fourth.text.contains("This number has no phone any more."))
        }
    }

    @Test func aMessageIsPlannedInUTC() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let time = server.clock.now() + .seconds(86_400)
            let field = PageTimes(zone: "UTC", now: .first).field(time)

            let sent = try await page.submit(
                Self.new, on: Self.new,
                [("from", phone.number), ("to", "+18005550100"), ("content", "Later"), ("send_at", field)])

            let message = try await account.client.get("/v1/messages/search").data[0]
            #expect(message["scheduled_send_time"].string == "\(field)Z")
            let text = try await page.get(try #require(sent.header("Location"))).text
            #expect(text.contains("planned for <time datetime=\"\(field)Z\""))
            #expect(!text.contains("data-open"))
        }
    }

    @Test func theSameFormCountsOnceAndAChangedOneAgain() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let html = try await page.get(Self.new).text
            let once = try #require(html.firstMatch(of: /name="once" value="([0-9a-f]+)"/)).1
            func submit(_ content: String) async throws -> APIClient.Answer {
                try await page.submit(
                    Self.new, on: Self.new,
                    [("once", String(once)), ("from", phone.number), ("to", "+18005550100"), ("content", content)])
            }

            let first = try await submit("Hello")
            let second = try await submit("Hello")
            let changed = try await submit("Hello again")

            #expect([first.status, second.status, changed.status] == [303, 303, 303])
            #expect(first.header("Location") == second.header("Location"))
            let contents = try await account.client.get("/v1/messages/search").data.array.map { $0["content"] }
            #expect(contents == ["Hello", "Hello again"])
        }
    }

    @Test func conversationsAreReadMarkedArchivedAndDeleted() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550100", "content": "One"])
            _ = try await phone.receive(["from": "MTN", "content": "Top up"])
            func list(_ query: String = "") async throws -> String { try await page.get("/messages\(query)").text }
            let unread = try await list()

            let path = try await Self.firstThread(page)
            let conversation = try await page.get(path).text
            let read = try await list()
            let marked = try await page.submit("\(path)/unread", on: path, [])
            let unreadAgain = try await list()
            _ = try await page.submit("\(path)/archive", on: path, [])
            let inbox = try await list()
            let archive = try await list("?archived=1")
            _ = try await page.submit("\(path)/unarchive", on: path, [])
            let deleted = try await page.submit("\(path)/delete", on: path, [])

            func count(_ text: String) -> Int { text.matches(of: /class="mark">unread/).count }
            #expect([count(unread), count(read), count(unreadAgain)] == [2, 1, 2])
            #expect(conversation.contains("is not a phone number, so you cannot reply."))
            #expect(marked.header("Location") == "/messages?notice=unread")
            #expect(!inbox.contains("Top up") && inbox.contains("One") && archive.contains("Top up"))
            #expect(deleted.header("Location") == "/messages?notice=deleted")
            #expect(try await page.get(path).status == 404)
            #expect(try await account.client.get("/v1/messages/search").data.array.count == 1)
        }
    }

    @Test func listsShowOnePhoneAndFindMessages() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let other = try await account.makePhone("+18005550188")
            _ = try await phone.receive(["from": "+18005550100", "content": "The red fox"])
            _ = try await other.receive(["from": "+18005550101", "content": "A blue whale"])

            let fox = try await page.get("/messages?owner=%2B18005550199").text
            let whale = try await page.get("/messages?owner=%2B18005550188").text
            let found = try await page.get("/messages?owner=%2B18005550199&query=FOX").text
            let nothing = try await page.get("/messages?owner=%2B18005550199&query=whale").text
            let long = try await page.get("/messages?query=\(String(repeating: "q", count: 51))")

            #expect(fox.contains("The red fox") && !fox.contains("whale"))
            #expect(whale.contains("A blue whale") && !whale.contains("fox"))
            #expect(found.contains("The red fox") && found.contains("/messages/message/"))
            #expect(nothing.contains("Nothing found"))
            #expect(long.status == 422 && long.text.contains("Use 50 characters at most."))
        }
    }

    @Test func longListsHavePages() async throws {
        try await withServer { server in
            let (page, _, phone) = try await server.signedInWithPhone()
            for number in 1...31 {
                _ = try await phone.receive([
                    "from": .string("+180055502\(number < 10 ? "0" : "")\(number)"), "content": "Hi",
                ])
            }
            for number in 1...51 {
                _ = try await phone.receive([
                    "from": "+18005550100", "content": .string("Message \(number)."),
                ])
            }

            let first = try await page.get("/messages").text
            let second = try await page.get("/messages?owner=%2B18005550199&skip=30").text
            let path = try await Self.firstThread(page)
            let newest = try await page.get(path).text
            let oldest = try await page.get("\(path)?skip=50").text

            #expect(first.contains("href=\"/messages?skip=30\">Older</a>"))
            #expect(second.matches(of: /class="thread/).count == 2 && second.contains(">Newer</a>"))
            #expect(newest.contains("Message 51.") && newest.contains("Message 2.") && !newest.contains("Message 1."))
            #expect(oldest.contains("Message 1.") && !oldest.contains("Message 2."))
            #expect(newest.contains("id=\"conversation\" data-live") && !oldest.contains("data-live"))
        }
    }

    @Test func contactsAreOfferedToWriteTo() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            _ = try await account.client.post(
                "/v1/contacts", [["name": "Zoë <Red>", "phone_numbers": ["+18005550101"]]])
            let stranger = try await server.signedInWithPhone().page

            let text = try await page.get("/messages/new").text
            let other = try await stranger.get("/messages/new").text

            #expect(text.contains("<option value=\"+18005550101\">Zoë &lt;Red&gt;</option>"))
            #expect(!other.contains("Zoë"))
        }
    }

    @Test func oneMessageTellsItsWayAndIsSentAgainAndDeleted() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            try await account.makeWebhook("http://127.0.0.1:1/hook")
            let id = try await account.send(["request_id": "order-7"])["id"].string
            let path = "/messages/message/\(id)"
            let early = try await page.submit("\(path)/resend", on: path, [])
            _ = try await eventually("it is handed out") {
                try await account.message(id)["status"] == "scheduled" ? true : nil
            }
            _ = try await phone.fetch(id)
            _ = try await phone.report("FAILED", id, ["reason": "<b>No signal</b>"])

            let text = try await page.get(path).text
            let again = try await page.submit("\(path)/resend", on: path, [])
            let copy = try #require(again.header("Location"))
            let deleted = try await page.submit("\(path)/delete", on: path, [])

            #expect(early.status == 422 && early.text.contains("not on its way any more"))
            let steps = text.matches(of: /<span class="step">([^<]+)<\/span>/).map { String($0.1) }
            #expect(steps == ["Queued", "Handed out to the phone", "Fetched by the phone", "Failed"])
            #expect(text.contains("&lt;b&gt;No signal&lt;/b&gt;") && !text.contains("<b>"))
            #expect(text.contains("<code>order-7</code>") && text.contains("<code>message.send.failed</code>"))
            #expect(text.contains("href=\"/deliveries/"))
            #expect(copy.hasPrefix("/messages/message/") && copy != path)
            #expect(try await page.get(copy).text.contains("<code>order-7</code>"))
            #expect(deleted.header("Location")?.hasPrefix("/messages/") == true)
            #expect(try await page.get(path).status == 404)
        }
    }

    @Test func filesAreShownFromThisServerWhateverItIsCalled() async throws {
        try await withServer(["APP_URL": "https://sms.example.com"]) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive([
                "from": "+18005550100", "content": "Look",
                "attachments": [["name": "a.png", "content_type": "image/png", "content": "iVBORw0KGgo="]],
            ])

            let text = try await page.get(try await Self.firstThread(page)).text

            let image = try #require(text.firstMatch(of: /<img src="([^"]+)"/), "\(text)").1
            #expect(image.hasPrefix("/v1/attachments/\(account.id)/"))
            #expect(try await page.get(String(image)).header("Content-Type") == "image/png")
        }
    }

    @Test func hostileTextIsShownAsText() async throws {
        try await withServer { server in
            let (page, _, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": .string(Self.script), "content": .string(Self.script)])
            let path = try await Self.firstThread(page)
            let conversation = try await page.get(path).text
            let message = try #require(conversation.firstMatch(of: /href="(\/messages\/message\/[^"]+)"/)).1

            for path in [path, String(message), "/messages", "/messages?query=%3Cscript%3E"] {
                let text = try await page.get(path).text
                #expect(!text.contains("<script>"), "\(path)")
                #expect(text.contains(Self.escaped), "\(path)")
            }
            let form = try await page.get("/messages/new?to=%22%3E%3Cscript%3E&from=%22%3E%3Cscript%3E").text
            #expect(!form.contains("<script>"))
            // With an accent behind it, the quotation mark is another character, and ends the attribute all the same.
            let accented = try await page.get("/messages?query=%22%CC%81%20autofocus%3D%22").text.unicodeScalars
            #expect(accented.firstRange(of: "&quot;\u{301} autofocus=&quot;".unicodeScalars) != nil)
            #expect(accented.firstRange(of: "\"\u{301}".unicodeScalars) == nil)
        }
    }

    @Test func anotherAccountsMessagesAreNotThereAndFormsOfOthersAreRefused() async throws {
        try await withServer { server in
            let (owner, account, phone) = try await server.signedInWithPhone()
            let stranger = try await server.signedInWithPhone().page
            _ = try await phone.receive(["from": "+18005550100", "content": "Secret"])
            let thread = try await Self.firstThread(owner)
            let id = try await account.client.get("/v1/messages/search").data[0]["id"].string
            let message = "/messages/message/\(id)"

            for path in [thread, message, "/messages/x", "/messages/message/x"] {
                #expect(try await stranger.get(path).status == 404, "\(path)")
            }
            let forms =
                ["", "/archive", "/unarchive", "/unread", "/delete"].map { thread + $0 }
                + ["/resend", "/delete"].map { message + $0 }
            for path in forms {
                #expect(try await stranger.submit(path, on: "/account", [("content", "Hi")]).status == 404, "\(path)")
                let foreign = try await owner.post(
                    path, [("form_token", "")], headers: [("Sec-Fetch-Site", "same-origin")])
                #expect(foreign.status == 403, "\(path)")
            }
            #expect(try await !stranger.get("/messages?owner=%2B18005550199&query=secret").text.contains("Secret"))
            #expect(try await account.client.get("/v1/messages/search").data.array.count == 1)
        }
    }
}
