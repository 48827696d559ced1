import Storage
import TestSupport
import Testing

@testable import Gateway

/// Notes about a conversation, and who looks after it.
@Suite(.timeLimit(.minutes(15))) struct ThreadWorkTests {
    /// A browser of somebody with a conversation, the path of that, and a member of the team.
    private struct Owner {
        let page: PageClient
        let account: Account
        let phone: Account.Phone
        let path: String

        init(_ server: TestServer) async throws {
            (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550101", "content": "Is my parcel there?"])
            path = String(
                try #require(try await page.get("/messages").text.firstMatch(of: /href="(\/messages\/[0-9a-f-]{36})"/))
                    .1)
        }

        func post(_ path: String, _ fields: [(String, String)]) async throws -> Int {
            try await page.submit(path, on: self.path, fields).status
        }

        func note(_ content: String) async throws -> Int { try await post("\(path)/notes", [("content", content)]) }
    }

    private static func join(_ email: String, _ owner: Owner, _ server: TestServer) async throws -> PageClient {
        let answer = try await owner.page.submit(
            "/account/team/invite", on: "/account/team",
            [("email", email), ("role", "sender"), ("current", TestServer.password)])
        let token = String(try #require(answer.text.firstMatch(of: /invitation\?token=([0-9a-f]{64})/)).1)
        let page = PageClient(baseURL: server.baseURL)
        let fields = [("token", token), ("password", "battery staple")]
        #expect(try await page.submit("/invitation", on: "/sign-in", fields).status == 303)
        return page
    }

    @Test(arguments: Engine.enabled) func aNoteIsForThoseWhoWorkInTheAccount(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let owner = try await Owner(server)
            let kim = try await Self.join("kim@example.com", owner, server)

            #expect(try await owner.note(" Waits for <b>Monday</b> ") == 303)
            let shown = try await kim.get(owner.path).text
            #expect(shown.contains("Waits for &lt;b&gt;Monday&lt;/b&gt;") && shown.contains("Notes (1)"))
            #expect(shown.contains("\(owner.account.email), "))
            let events = try await owner.account.client.get("/v1/events").text
            let thread = try await owner.account.client.get("/v1/message-threads?owner=%2B18005550199").text
            #expect(!events.contains("Monday") && !thread.contains("Monday"))

            let note = try #require(shown.firstMatch(of: /action="(\/messages\/[^"]*\/notes\/[0-9a-f-]{36}\/delete)"/))
                .1
            #expect(try await kim.submit(String(note), on: owner.path, []).status == 303)
            #expect(try await kim.submit(String(note), on: owner.path, []).status == 404)
            #expect(!(try await owner.page.get(owner.path).text.contains("Monday")))
            let log = try await owner.account.client.get("/v1/audit-log?actions=note.created,note.deleted").data.array
            #expect(log.map { $0["actor_id"] } == ["kim@example.com", .null])
        }
    }

    @Test func notesHaveBounds() async throws {
        try await withServer { server in
            let owner = try await Owner(server)

            for (content, status) in [
                ("", 422), (" \n ", 422), (String(repeating: "ä", count: 2_000), 303),
                (String(repeating: "ä", count: 2_001), 422), ("a\u{0}b", 303),
            ] {
                #expect(try await owner.note(content) == status)
            }
            for _ in 0..<98 { #expect(try await owner.note("again") == 303) }
            #expect(try await owner.note("one more") == 422)
            #expect(try await owner.page.get(owner.path).text.contains("Notes (100)"))
        }
    }

    @Test func aConversationIsLookedAfterBySomebodyOfTheAccount() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            #expect(!(try await owner.page.get(owner.path).text.contains("Looked after by")))
            let kim = try await Self.join("kim@example.com", owner, server)

            #expect(try await owner.post("\(owner.path)/assign", [("assignee", "lee@example.com")]) == 422)
            #expect(try await owner.post("\(owner.path)/assign", [("assignee", "kim@example.com")]) == 303)
            #expect(
                try await owner.page.get("/messages").text.contains("<span class=\"status\">kim@example.com</span>"))
            #expect(try await kim.get("/messages?mine=1").text.contains("Is my parcel there?"))
            #expect(try await owner.page.get("/messages?mine=1").text.contains("Nothing to look after"))
            #expect(try await kim.submit("\(owner.path)/assign", on: owner.path, [("assignee", "")]).status == 303)
            #expect(try await kim.get("/messages?mine=1").text.contains("Nothing to look after"))

            // Who leaves looks after nothing.
            #expect(try await owner.post("\(owner.path)/assign", [("assignee", "kim@example.com")]) == 303)
            let team = try await owner.page.get("/account/team").text
            let remove = try #require(team.firstMatch(of: /action="(\/account\/team\/[0-9a-f-]{36}\/remove)"/)).1
            #expect(try await owner.page.submit(String(remove), on: "/account/team", []).status == 303)
            #expect(!(try await owner.page.get("/messages").text.contains("kim@example.com")))
        }
    }

    @Test func aStrangerNotesNothingAndWhatIsDeletedIsGone() async throws {
        try await withServer { server in
            let (owner, stranger) = (try await Owner(server), try await Owner(server))
            #expect(try await owner.note("Hello") == 303)
            let shown = try await owner.page.get(owner.path).text
            let note = try #require(shown.firstMatch(of: /\/notes\/([0-9a-f-]{36})\/delete/)).1

            #expect(try await stranger.post("\(owner.path)/notes", [("content", "mine")]) == 404)
            #expect(try await stranger.post("\(owner.path)/assign", [("assignee", "")]) == 404)
            #expect(try await stranger.post("\(owner.path)/notes/\(note)/delete", []) == 404)
            #expect(try await stranger.post("\(stranger.path)/notes/\(note)/delete", []) == 404)
            let assigned = [("assignee", owner.account.email)]
            #expect(try await owner.post("\(owner.path)/assign", assigned) == 303)

            #expect(try await owner.post("\(owner.path)/delete", []) == 303)
            for table in ["thread_note", "thread_assignment"] as [SQL] {
                let rows = try await server.store.read { tx in try tx.rows("SELECT * FROM \(table)").count }
                #expect(rows == 0, "\(table)")
            }
        }
    }
}
