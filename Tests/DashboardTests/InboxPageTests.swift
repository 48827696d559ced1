import Storage
import TestSupport
import Testing
import Timestamps

@testable import Dashboard
@testable import Gateway

/// The inbox of all phones, and what is planned.
@Suite(.timeLimit(.minutes(15))) struct InboxPageTests {
    /// The other parties of the list at `path`, in its order.
    private static func contacts(_ page: PageClient, _ path: String = "/messages") async throws -> [String] {
        try await page.get(path).text.matches(of: /<span class="party"><bdi class="number" title="([^"]+)/).map {
            String($0.1)
        }
    }

    private static func plan(
        _ server: TestServer, _ account: Account, to contact: String, in time: Duration, _ content: String = "Reminder"
    ) async throws -> String {
        let sendAt = (server.clock.now() + time).rfc3339
        return try await account.send([
            "to": .string(contact), "content": .string(content), "send_at": .string(sendAt),
        ])["id"].string
    }

    @Test(arguments: Engine.enabled) func allPhonesAreOneInboxInTheOrderOfWhatCameOrWent(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let other = try await account.makePhone("+18005550188")
            _ = try await phone.receive(["from": "+18005550101", "content": "One"])
            _ = try await other.receive(["from": "+18005550102", "content": "Two"])
            // What is planned moves nothing, and makes no conversation of its own.
            _ = try await Self.plan(server, account, to: "+18005550101", in: .seconds(86_400))
            _ = try await Self.plan(server, account, to: "+18005550103", in: .seconds(86_400))

            #expect(try await Self.contacts(page) == ["+18005550102", "+18005550101"])
            #expect(try await Self.contacts(page, "/messages?owner=%2B18005550188") == ["+18005550102"])
            let list = try await page.get("/messages").text
            #expect(list.contains(">One</span>") && !list.contains("Reminder"))
            #expect(list.contains("<title>(2) Messages") && list.contains("Messages <span class=\"mark\">2<"))
            #expect(list.contains("title=\"+18005550188\">+1 800-555-0188</bdi></span>"))

            server.clock.advance(by: .seconds(1))
            _ = try await account.send(["to": "+18005550101", "content": "Answer"])
            #expect(try await Self.contacts(page) == ["+18005550101", "+18005550102"])
            let answered = try await page.get("/messages").text
            #expect(try await Self.contacts(page, "/messages?unread=1") == ["+18005550101", "+18005550102"])
            let second = try await MessagePageTests.firstThread(page, "/messages?owner=%2B18005550188")
            _ = try await page.get(second)
            #expect(try await Self.contacts(page, "/messages?unread=1") == ["+18005550101"])
            let first = try await MessagePageTests.firstThread(page, "/messages?owner=%2B18005550199")
            _ = try await page.get(first)
            #expect(try await page.get("/messages?unread=1").text.contains("Nothing unread"))
            #expect(answered.contains("You: </span>Answer</span>") && !answered.contains("You: </span>Two<"))
        }
    }

    @Test(arguments: Engine.enabled) func whatIsDeletedLeavesTheInboxAsItWasBefore(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let old = try await phone.receive(["from": "+18005550101", "content": "Old"]).data["id"].string
            _ = try await Self.plan(server, account, to: "+18005550101", in: .seconds(86_400))
            server.clock.advance(by: .seconds(60))
            let new = try await phone.receive(["from": "+18005550101", "content": "New"]).data["id"].string
            #expect(try await page.get("/messages").text.contains(">New</span>"))

            _ = try await account.client.delete("/v1/messages/\(new)")
            #expect(try await page.get("/messages").text.contains(">Old</span>"))
            _ = try await account.client.delete("/v1/messages/\(old)")
            #expect(try await Self.contacts(page) == [])
        }
    }

    @Test(arguments: Engine.enabled) func plannedSMSAreListedChangedSentAndCancelled(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let later = try await Self.plan(server, account, to: "+18005550101", in: .seconds(7_200), "Second")
            let soon = try await Self.plan(server, account, to: "+18005550102", in: .seconds(3_600), "First")
            let gone = try await Self.plan(server, account, to: "+18005550103", in: .seconds(9_000), "Third")
            let list = "/messages/planned"

            let html = try await page.get(list).text
            let order = ["First", "Second", "Third"].map { html.firstRange(of: ">\($0)<")?.lowerBound }
            #expect(!order.contains(nil) && order.compactMap(\.self) == order.compactMap(\.self).sorted())
            #expect(html.contains("Planned <span class=\"muted\">3</span>"))

            let path = "\(list)/\(later)"
            let refused = try await page.submit(path, on: path, [("content", ""), ("send_at", "2020-01-01T10:00")])
            #expect(refused.status == 422 && refused.text.contains("a time that is not over"))
            let time = server.clock.now() + .seconds(86_400)
            let field = String(PageTimes(zone: "UTC", now: .first).field(time).prefix(16))
            let saved = try await page.submit(path, on: path, [("content", "Changed äö"), ("send_at", field)])
            #expect(saved.header("Location") == "\(list)?notice=saved")
            let message = try await account.message(later)
            #expect(message["content"] == "Changed äö" && message["status"] == "pending")
            #expect(message["scheduled_send_time"].string.hasPrefix(field))
            #expect(try await account.client.get("/v1/messages/search?query=changed").data.array.count == 1)

            _ = try await page.submit("\(list)/\(gone)/cancel", on: list, [])
            #expect(try await account.client.get("/v1/messages/\(gone)").status == 404)
            let sent = try await page.submit("\(list)/\(soon)/now", on: list, [])
            #expect(try await page.get(try #require(sent.header("Location"))).text.contains("The SMS is on its way."))
            _ = try await server.message(soon, of: account, is: "scheduled")

            // What was handed out is changed no more.
            #expect(try await account.client.put("/v1/messages/\(soon)", ["content": "Late"]).status == 409)
            #expect(try await page.get("\(list)/\(soon)").header("Location") == "/messages/message/\(soon)")
            let stranger = try await server.signedInWithPhone().page
            #expect(try await stranger.submit("\(list)/\(later)/cancel", on: "/account", []).status == 404)
            #expect(try await stranger.get(path).status == 404)
        }
    }

    @Test func aPlannedSMSIsNotSavedWithAPlaceholderUnlessItHadOneBefore() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let plain = try await Self.plan(server, account, to: "+18005550101", in: .seconds(3_600), "Hello")
            let made = try await Self.plan(server, account, to: "+18005550101", in: .seconds(3_600), "Hello {{name}}")
            let time = server.clock.now() + .seconds(86_400)
            let field = String(PageTimes(zone: "UTC", now: .first).field(time).prefix(16))

            let refused = try await page.submit(
                "/messages/planned/\(plain)", on: "/messages/planned/\(plain)",
                [("content", "Dear {{name}}"), ("send_at", field)])
            let moved = try await page.submit(
                "/messages/planned/\(made)", on: "/messages/planned/\(made)",
                [("content", "Hello {{name}}"), ("send_at", field)])

            #expect(refused.status == 422 && refused.text.contains("Nothing was saved."))
            #expect(
                refused.text.contains("Write it in the place of {{name}}.") && refused.text.contains("Dear {{name}}<"))
            #expect(try await account.message(plain)["content"] == "Hello")
            #expect(moved.header("Location") == "/messages/planned?notice=saved")
            #expect(try await account.message(made)["scheduled_send_time"].string.hasPrefix(field))
        }
    }

    @Test func theSearchHasFilters() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let other = try await account.makePhone("+18005550188")
            _ = try await phone.receive(["from": "+18005550101", "content": "red fox"])
            _ = try await other.receive(["from": "+18005550102", "content": "red whale"])
            let failed = try await account.send(["to": "+18005550101", "content": "red ant"])["id"].string
            _ = try await phone.report("FAILED", failed, ["reason": "RESULT_ERROR_NO_SERVICE"])
            let today = String(server.clock.now().rfc3339.prefix(10))

            for (query, found) in [
                ("query=red", ["ant", "fox", "whale"]), ("query=red&owner=%2B18005550188", ["whale"]),
                ("status=failed", ["ant"]), ("type=mobile-originated", ["fox", "whale"]),
                ("contact=%2B1%20800%20555%200101", ["ant", "fox"]), ("from=2999-01-01", []),
                ("query=red&from=\(today)&to=\(today)", ["ant", "fox", "whale"]), ("to=2001-01-01", []),
                ("status=nonsense&query=fox", ["fox"]), ("from=x&query=ant", ["ant"]),
            ] {
                let text = try await page.get("/messages?\(query)").text
                for word in ["ant", "fox", "whale"] {
                    #expect(text.contains("red \(word)<") == found.contains(word), "\(query) \(word)")
                }
            }
            let day = (server.clock.now() + .seconds(60)).rfc3339.replacing("+", with: "%2B")
            #expect(try await account.client.get("/v1/messages/search?since=\(day)").data.array.isEmpty)
            #expect(try await account.client.get("/v1/messages/search?until=\(day)").data.array.count == 3)
            #expect(try await account.client.get("/v1/messages/search?contact=%2B18005550101").data.array.count == 2)
            #expect(try await account.client.get("/v1/messages/search?since=x").status == 422)

            let thread = try await MessagePageTests.firstThread(page)
            let conversation = try await page.get("/messages?owner=%2B18005550199").text
            #expect(conversation.contains("status failed") || thread.isEmpty)
            let again = try await page.submit(
                "/messages/message/\(failed)/resend", on: "/messages", [("from", "conversation")])
            let path = try #require(again.header("Location"))
            let text = try await page.get(path).text
            #expect(text.contains("The phone had no mobile network.") && text.contains(" · sent again <time"))
            #expect(!text.contains(">Send again</button>"))
            #expect(text.contains("<p class=\"said\" dir=\"auto\">red ant</p>"))
        }
    }
}
