import Secrets
import Server
import Storage
import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// People who share an account: how they come in, what each may do, and how they go.
@Suite(.timeLimit(.minutes(15))) struct TeamTests {
    static let password = "battery staple"

    static func ask(
        _ email: String, as role: TeamRole, _ owner: PageClient, password: String = TestServer.password
    ) async throws -> APIClient.Answer {
        try await owner.submit(
            "/account/team/invite", on: "/account/team",
            [("email", email), ("role", role.rawValue), ("current", password)])
    }

    static func link(_ answer: APIClient.Answer) throws -> String {
        try #require(answer.text.firstMatch(of: /<pre id="link">http[^<]*?(\/invitation\?token=[0-9a-f]{64})</)).1
            .description
    }

    static func follow(
        _ link: String, _ server: TestServer
    ) async throws -> (page: PageClient, answer: APIClient.Answer) {
        let page = PageClient(baseURL: server.baseURL)
        let fields = [("token", String(link.suffix(64))), ("password", password)]
        return (page, try await page.submit("/invitation", on: link, fields))
    }

    /// A browser of somebody who joined.
    static func join(
        _ email: String, as role: TeamRole, _ owner: PageClient, _ server: TestServer
    ) async throws -> PageClient {
        let (page, answer) = try await follow(link(ask(email, as: role, owner)), server)
        #expect(answer.status == 303)
        return page
    }

    static func signIn(
        _ email: String, _ server: TestServer, password: String = Self.password
    ) async throws -> (page: PageClient, answer: APIClient.Answer) {
        let page = PageClient(baseURL: server.baseURL)
        return (page, try await page.submit("/sign-in", on: "/sign-in", [("email", email), ("password", password)]))
    }

    /// The path under which the team's page changes a member.
    static func path(_ email: String, _ owner: PageClient) async throws -> String {
        let text = try await owner.get("/account/team").text
        let pattern = try Regex(
            "(/account/team/[0-9a-f-]{36})/role(?s:.){1,4000}Remove \(email)", as: (Substring, Substring).self)
        return String(try #require(text.firstMatch(of: pattern)).1)
    }

    @Test(arguments: Engine.enabled) func aMemberSharesPhonesAndConversationsAndSignsInAlone(engine: Engine)
        async throws
    {
        try await withServer(on: engine) { server in
            let (owner, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550101", "content": "Is my parcel there?"])

            let asked = try await Self.ask("Kim@Example.com", as: .sender, owner)
            let link = try Self.link(asked)
            let opened = try await PageClient(baseURL: server.baseURL).get(link).text
            let kim = try await Self.follow(link, server).page
            let again = try await Self.follow(link, server).answer

            #expect(opened.contains(account.email) && opened.contains("value=\"kim@example.com\""))
            #expect(asked.text.contains("May: Read, send and delete SMS, and change contacts"))
            #expect(again.status == 422)
            #expect(try await kim.get("/").header("Location") == "/messages")
            let inbox = try await kim.get("/messages").text
            #expect(inbox.contains("Is my parcel there?") && inbox.contains("kim@example.com"))
            let thread = try #require(inbox.firstMatch(of: /href="(\/messages\/[0-9a-f-]{36})"/)).1
            let reply = try await kim.submit(String(thread), on: String(thread), [("content", "Yes!")])
            #expect(reply.status == 303)
            let sent = try await account.client.get("/v1/messages/search?types=mobile-terminated").data.array
            #expect(sent.map { $0["content"].string } == ["Yes!"])

            let later = try await Self.signIn("kim@example.com", server)
            #expect(later.answer.status == 303)
            #expect(try await later.page.get("/messages").status == 200)
            #expect(
                try await Self.signIn("kim@example.com", server, password: TestServer.password).answer.status == 422)
            let log = try await owner.get("/account/log").text
            #expect(log.contains("kim@example.com, ") && log.contains("joined the team"))
            let entry = try #require(
                try await account.client.get("/v1/audit-log?actions=message.sent").data.array.first)
            #expect(entry["actor"] == "session" && entry["actor_id"] == "kim@example.com")
        }
    }

    /// Every page that there is, as each role.
    @Test func everyRouteHasARoleThatIsMeant() async throws {
        try await withServer { server in
            let (owner, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.receive(["from": "+18005550101", "content": "Hello"])
            let contact = try await owner.submit(
                "/contacts/new", on: "/contacts/new", [("name", "Ann"), ("numbers", "+18005550100")])
            #expect(contact.status == 303)
            let sender = try await Self.join("sender@example.com", as: .sender, owner, server)
            let reader = try await Self.join("reader@example.com", as: .reader, owner, server)
            let colleague = try await Self.join("colleague@example.com", as: .owner, owner, server)
            let webhook = try await account.makeWebhook("http://127.0.0.1:1/hook")["id"].string
            let known = Set(server.gateway.pageRoutes)
            let listed = TeamRoleMiddleware.readers.union(TeamRoleMiddleware.senders)
            #expect(listed.isSubset(of: known), "\(listed.subtracting(known))")
            #expect(TeamRoleMiddleware.readers.isDisjoint(with: TeamRoleMiddleware.senders))
            // Nothing that opens more than conversations and contacts, or oneself.
            let own = ["/messages", "/contacts", "/account", "/live", "/sign-out"]
            for route in listed {
                let path = route.drop { $0 != " " }.dropFirst()
                #expect(own.contains { path.hasPrefix($0) }, "\(route)")
            }
            for route in ["POST /account/api-key", "GET /account/keys", "POST /account/team/invite", "GET /users"] {
                #expect(TeamRoleMiddleware.least(for: route) == .owner)
            }

            for path in [
                "/account/team", "/account/keys", "/account/log", "/account/log.csv", "/settings/webhooks",
                "/settings/webhooks/\(webhook)", "/settings/webhooks/\(webhook)/verify", "/phones", "/phones/new",
                "/phones/keys", "/events", "/attention", "/settings/alerts",
                "/settings/callbacks", "/settings/playground",
                "/system", "/users",
            ] {
                for page in [sender, reader] { #expect(try await page.get(path).status == 403, "\(path)") }
                #expect(try await colleague.get(path).status == 200, "\(path)")
            }
            for path in ["/messages/new", "/messages/bulk", "/contacts/new", "/contacts/export.csv"] {
                #expect(try await sender.get(path).status == 200, "\(path)")
                #expect(try await reader.get(path).status == 403, "\(path)")
            }
            for (path, fields) in [
                ("/messages/new", [("from", phone.number), ("to", "+18005550102"), ("content", "No")]),
                ("/contacts/new", [("name", "Bob"), ("numbers", "+18005550103")]),
                ("/account/api-key", [("current", Self.password)]),
                ("/account/timezone", [("timezone", "Asia/Tokyo")]),
                ("/account/team/invite", [("email", "x@example.com"), ("role", "owner"), ("current", Self.password)]),
                ("/settings/webhooks/\(webhook)/delete", []),
                ("/settings/webhooks/\(webhook)/replay", [("statuses", "failed")]),
            ] {
                #expect(try await reader.submit(path, on: "/account", fields).status == 403, "\(path)")
            }
            for path in ["/messages", "/contacts", "/account", "/messages/planned", "/messages/texts"] {
                for page in [sender, reader] {
                    let answer = try await page.get(path)
                    #expect(answer.status == 200 && !answer.text.contains("href=\"/settings/webhooks\""), "\(path)")
                    #expect(!answer.text.contains("uk_"), "\(path)")
                }
            }
            #expect(try await account.client.get("/v1/webhooks/\(webhook)").status == 200)
        }
    }

    @Test func aRoleIsChangedFromTheNextPageOnAndWhoIsRemovedIsOutAtOnce() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page
            let kim = try await Self.join("kim@example.com", as: .sender, owner, server)
            let path = try await Self.path("kim@example.com", owner)
            #expect(try await kim.get("/contacts/new").status == 200)

            let wrong = try await owner.submit(
                path + "/role", on: "/account/team", [("role", "reader"), ("current", "wrong horse")])
            #expect(wrong.status == 422)
            #expect(try await kim.get("/contacts/new").status == 200)
            let form = [("role", "reader"), ("current", TestServer.password)]
            #expect(try await owner.submit(path + "/role", on: "/account/team", form).status == 303)
            #expect(try await kim.get("/contacts/new").status == 403)

            #expect(try await owner.submit(path + "/remove", on: "/account/team", []).status == 303)
            #expect(try await kim.get("/messages").status == 303)
            #expect(try await Self.signIn("kim@example.com", server).answer.status == 422)
            // The address is free again.
            _ = try await Self.join("kim@example.com", as: .reader, owner, server)
        }
    }

    @Test func nobodyReachesIntoTheTeamOfAnother() async throws {
        try await withServer { server in
            let (owner, stranger) = (try await server.signedIn().page, try await server.signedIn().page)
            let kim = try await Self.join("kim@example.com", as: .reader, owner, server)
            let link = try await Self.link(Self.ask("lee@example.com", as: .reader, owner))
            let path = try await Self.path("kim@example.com", owner)

            let form = [("role", "owner"), ("current", TestServer.password)]
            #expect(try await stranger.submit(path + "/role", on: "/account/team", form).status == 404)
            #expect(try await stranger.submit(path + "/remove", on: "/account/team", []).status == 404)
            // An invitation to the same address is another one.
            let other = try await Self.link(Self.ask("lee@example.com", as: .reader, stranger))
            _ = try await stranger.submit("/account/team/withdraw", on: "/account/team", [("email", "lee@example.com")])
            #expect(try await Self.follow(other, server).answer.status == 422)
            #expect(try await Self.follow(link, server).answer.status == 303)
            #expect(try await kim.get("/messages").status == 200)
            #expect(try await stranger.get("/account/team").text.contains("kim@example.com") == false)
        }
    }

    @Test func anAddressIsOnePersons() async throws {
        try await withServer { server in
            let (owner, account) = try await server.signedIn()
            let (stranger, other) = try await server.signedIn()
            _ = try await Self.join("kim@example.com", as: .reader, owner, server)

            let twice = try await Self.ask("kim@example.com", as: .reader, owner)
            #expect(twice.status == 422 && twice.text.contains("in the team already"))
            for (email, asking) in [(account.email, stranger), (other.email, stranger), ("kim@example.com", stranger)] {
                let answer = try await Self.follow(Self.link(Self.ask(email, as: .owner, asking)), server).answer
                #expect(answer.status == 422 && answer.text.contains("signs in with"))
            }
            // The failed ones did not use their links up, and changed nothing.
            #expect(try await Self.signIn("kim@example.com", server).answer.status == 303)
            await #expect(throws: UserCreationError.self) {
                _ = try await server.gateway.createUser(email: "Kim@example.com", id: nil, apiKey: nil)
            }
        }
    }

    @Test func invitationsEndAfterAWeekAndTeamsAreBounded() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page
            let link = try await Self.link(Self.ask("kim@example.com", as: .reader, owner))
            server.advance(by: .seconds(7 * 86_400 + 1))
            #expect(try await Self.follow(link, server).answer.status == 422)

            try await server.store.write { tx in
                let account: UserID = try #require(try tx.value("SELECT id AS value FROM users"))
                for number in 0..<TeamQueries.most {
                    try TeamQueries.invite(
                        "\(number)@example.com", as: .reader, by: Person(account), tokenHash: [UInt8(number)], in: tx)
                }
            }
            let full = try await Self.ask("one-more@example.com", as: .reader, owner)
            #expect(full.status == 422 && full.text.contains("at most 50"))
            // The same address again takes no new place.
            #expect(try await Self.ask("7@example.com", as: .sender, owner).status == 200)
            for (email, role, password) in [
                ("nobody", "reader", TestServer.password), ("a@b.c", "admin", TestServer.password),
                ("a@b.c", "reader", "wrong horse"),
            ] {
                let answer = try await owner.submit(
                    "/account/team/invite", on: "/account/team",
                    [("email", email), ("role", role), ("current", password)])
                #expect(answer.status == (role == "admin" ? 404 : 422))
            }
        }
    }

    @Test func aMemberHasAPasswordSessionsAndASecondStepOfTheirOwn() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page
            let kim = try await Self.join("kim@example.com", as: .reader, owner, server)
            let second = try await Self.signIn("kim@example.com", server).page

            let list = try await kim.get("/account").text
            #expect(list.matches(of: /\/account\/sessions\/[0-9a-f]{64}\/end/).count == 2)
            _ = try await kim.submit("/sign-out-everywhere", on: "/account", [])
            #expect(try await second.get("/messages").status == 303)
            #expect(try await owner.get("/account").status == 200)

            let third = try await Self.signIn("kim@example.com", server).page
            let codes = OneTimeCodes()
            let code = codes.code(at: OneTimeCodes.step(at: server.clock.now()))
            let form = [("secret", codes.text), ("code", code), ("current", Self.password)]
            #expect(try await third.submit("/account/two-step", on: "/account/two-step", form).status == 200)
            #expect(try await Self.signIn("kim@example.com", server).answer.text.contains("The second step"))
            #expect(try await owner.get("/account").text.contains("Your password alone"))

            let users = server.gateway.users
            try await users.removeSecondFactor(email: "kim@example.com")
            try await users.setPassword("another staple", email: "kim@example.com")
            #expect(try await Self.signIn("kim@example.com", server, password: "another staple").answer.status == 303)
            #expect(try await owner.get("/account").status == 200)
        }
    }

    /// What is done to an account by its address is not done by the address of somebody who works in it.
    @Test func theAddressOfAMemberNamesNoAccount() async throws {
        try await withServer { server in
            let (owner, account) = try await server.signedIn()
            _ = try await Self.join("kim@example.com", as: .reader, owner, server)
            let users = server.gateway.users

            await #expect(throws: UserCreationError.self) { try await users.delete(email: "kim@example.com") }
            await #expect(throws: UserCreationError.self) { try await users.setOwner(email: "kim@example.com") }
            await #expect(throws: UserCreationError.self) {
                _ = try await users.rotateAPIKey(ofEmail: "kim@example.com")
            }
            #expect(try await account.client.get("/v1/users/me").status == 200)
            let first = try await PageClient(baseURL: server.baseURL).submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", "kim@example.com"), ("api_key", account.apiKey), ("password", "correct horse")])
            #expect(first.status == 422)
        }
    }

    @Test func anAccountThatIsDeletedTakesItsTeamWithIt() async throws {
        try await withServer { server in
            let (owner, account) = try await server.signedIn()
            let kim = try await Self.join("kim@example.com", as: .owner, owner, server)
            _ = try await Self.ask("lee@example.com", as: .reader, owner)

            _ = try await account.client.delete("/v1/users/me")

            #expect(try await kim.get("/messages").status == 303)
            #expect(try await Self.signIn("kim@example.com", server).page.cookies["httpsms"] == nil)
            let tables: [SQL] = ["team_member", "team_invitation", "user_password", "session", "sign_in_device"]
            for table in tables {
                let rows = try await server.store.read { tx in try tx.rows("SELECT * FROM \(table)").count }
                #expect(rows == 0, "\(table)")
            }
        }
    }
}
