import Delivery
import Foundation
import Storage
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// First run, signing in and out, and passwords, with what a browser would send.
@Suite(.timeLimit(.minutes(15))) struct SignInTests {
    /// The token that the server logged at its start.
    private static func token(of server: TestServer) throws -> String {
        try #require(server.firstRunTokens.first)
    }

    /// Makes the first account and is signed in as it.
    private static func makeOwner(_ server: TestServer) async throws -> PageClient {
        let page = PageClient(baseURL: server.baseURL)
        let answer = try await page.submit(
            "/first-run", on: "/first-run",
            [("token", try token(of: server)), ("email", "owner@example.com"), ("password", "correct horse")])
        #expect(answer.status == 303)
        return page
    }

    private static func signIn(
        _ server: TestServer, _ password: String, email: String = "owner@example.com"
    ) async throws -> (page: PageClient, answer: APIClient.Answer) {
        let page = PageClient(baseURL: server.baseURL)
        return (page, try await page.submit("/sign-in", on: "/sign-in", [("email", email), ("password", password)]))
    }

    @Test func theFirstAccountIsMadeWithTheTokenOfTheLogOnce() async throws {
        try await withServer { server in
            let stranger = PageClient(baseURL: server.baseURL)
            let wrong = try await stranger.submit(
                "/first-run", on: "/first-run",
                [("token", "guess"), ("email", "eve@example.com"), ("password", "correct horse")])
            let early = try await stranger.get("/")

            let owner = try await Self.makeOwner(server)
            let again = try await stranger.post(
                "/first-run",
                [
                    ("form_token", stranger.cookies["httpsms-form"] ?? ""), ("token", try Self.token(of: server)),
                    ("email", "eve@example.com"), ("password", "correct horse"),
                ], headers: [("Sec-Fetch-Site", "same-origin")])

            #expect(wrong.status == 422 && wrong.text.contains("The token is wrong or too old."))
            #expect(early.header("Location") == "/first-run")
            #expect(try await owner.get("/").text.contains("owner@example.com"))
            #expect(again.status == 422)
            #expect(try await stranger.get("/").header("Location") == "/sign-in")
        }
    }

    /// The link of the log is the whole way: its page has the token already.
    @Test(arguments: [nil, "https://sms.example.com"]) func theLogHasOneLinkToTheFirstAccount(appURL: String?)
        async throws
    {
        try await withServer(appURL.map { ["APP_URL": $0] } ?? [:]) { server in
            let links = server.log.lines.compactMap { $0.metadata["url"] }.filter { $0.contains("/first-run") }
            let token = try Self.token(of: server)

            #expect(links == ["\(appURL ?? server.baseURL)/first-run?token=\(token)"])
            let page = PageClient(baseURL: server.baseURL)
            let form = "/first-run?token=\(token)"
            #expect(try await page.get(form).text.contains("value=\"\(token)\""))
            let refused = try await page.submit(
                "/first-run", on: form, [("token", token), ("email", "a@example.com"), ("password", "short")])
            #expect(refused.status == 422 && refused.text.contains("value=\"\(token)\""))
        }
    }

    @Test func aTokenOfTheLogIsOverAfterADay() async throws {
        try await withServer { server in
            server.advance(by: .seconds(86_401))

            let answer = try await PageClient(baseURL: server.baseURL).submit(
                "/first-run", on: "/first-run",
                [("token", try Self.token(of: server)), ("email", "a@example.com"), ("password", "correct horse")])

            #expect(answer.status == 422)
        }
    }

    @Test func aWrongPasswordAndAnUnknownAddressAreRefusedAlike() async throws {
        try await withServer { server in
            _ = try await Self.makeOwner(server)

            let wrong = try await Self.signIn(server, "wrong horse")
            let unknown = try await Self.signIn(server, "correct horse", email: "nobody@example.com")
            let right = try await Self.signIn(server, "correct horse")

            for refused in [wrong, unknown] {
                #expect(refused.answer.status == 422)
                #expect(refused.answer.text.contains("The e-mail address or the password is wrong."))
                #expect(refused.page.cookies["httpsms"] == nil)
            }
            #expect(right.answer.status == 303)
            #expect(try await right.page.get("/").status == 200)
        }
    }

    @Test func aTokenThatIsTooOldIsReplaced() async throws {
        try await withServer { server in
            let logger = server.log.logger
            func renew() async throws {
                _ = try await server.store.write { tx in
                    try FirstRun.renew(in: tx, appURL: { "http://sms.test" }, logger: logger)
                }
            }
            try await renew()
            let early = server.firstRunTokens
            server.advance(by: .seconds(86_401))

            try await renew()

            // The server's own upkeep may have done it, and tells of it after its commit.
            let tokens = try await eventually("another token") {
                let tokens = server.firstRunTokens
                return tokens.count > early.count ? tokens : nil
            }
            #expect(early.count == 1 && tokens.count == 2)
            let answer = try await PageClient(baseURL: server.baseURL).submit(
                "/first-run", on: "/first-run",
                [("token", tokens[1]), ("email", "a@example.com"), ("password", "correct horse")])
            #expect(answer.status == 303)
        }
    }

    @Test func anEMailAddressIsTheSameInAnyCase() async throws {
        try await withServer { server in
            _ = try await server.gateway.createUser(email: "Jo.DOE@Example.com", id: "jo", apiKey: "uk_1234567890123")
            let page = PageClient(baseURL: server.baseURL)
            let first = try await page.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", "jo.doe@EXAMPLE.com"), ("api_key", "uk_1234567890123"), ("password", "correct horse")])

            #expect(first.status == 303)
            #expect(try await page.get("/account").text.contains("jo.doe@example.com"))
            #expect(
                try await Self.signIn(server, "correct horse", email: "JO.doe@example.com").answer.status == 303)
            await #expect(throws: UserCreationError.self) {
                _ = try await server.gateway.createUser(email: "JO.DOE@example.com", id: nil, apiKey: nil)
            }
        }
    }

    @Test func anAccountFromBeforeThatWasWrittenInCapitalsSignsIn() async throws {
        try await withServer { server in
            let account = try await server.makeAccount(id: "old")
            try await server.store.write { tx in
                _ = try tx.run("UPDATE users SET email = 'Old@Example.com' WHERE id = 'old'")
            }

            let page = PageClient(baseURL: server.baseURL)
            let answer = try await page.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", "old@example.com"), ("api_key", account.apiKey), ("password", "correct horse")])

            #expect(answer.status == 303)
        }
    }

    @Test func aSessionLastsThirtyDaysFromItsLastUse() async throws {
        try await withServer { server in
            let page = try await Self.makeOwner(server)
            let soon = try await page.get("/account")
            server.advance(by: .seconds(20 * 86_400))
            let later = try await page.get("/account")
            server.advance(by: .seconds(20 * 86_400))
            let used = try await page.get("/account")
            server.advance(by: .seconds(30 * 86_400 + 1))
            let idle = try await page.get("/account")

            #expect(soon.header("Set-Cookie") == nil)
            #expect(later.header("Set-Cookie")?.contains("Max-Age=2592000") == true)
            #expect(used.status == 200)
            #expect(idle.status == 303)
        }
    }

    @Test func wrongPasswordsOfASignedInUserAreCountedApart() async throws {
        try await withServer { server in
            let page = try await Self.makeOwner(server)
            try await server.store.write { tx in
                let id: UserID = try #require(try tx.value("SELECT id AS value FROM users"))
                for _ in 0..<10 { _ = try AccessQueries.countAttempt(.password(id), in: tx) }
            }

            let refused = try await page.submit(
                "/account/password", on: "/account", [("current", "correct horse"), ("password", "battery staple")])

            #expect(refused.text.contains("There were too many attempts"))
            #expect(try await Self.signIn(server, "correct horse").answer.status == 303)
        }
    }

    @Test func anotherClientCanSignInWhileOneGuesses() async throws {
        let settings = ["TRUSTED_PROXIES": "127.0.0.1"]
        try await withServer(settings) { server in
            _ = try await Self.makeOwner(server)
            func attempt(from client: String, _ password: String) async throws -> APIClient.Answer {
                let page = PageClient(baseURL: server.baseURL)
                let token = try await page.formToken(of: "/first-sign-in")
                return try await page.post(
                    password == "short" ? "/first-sign-in" : "/sign-in",
                    [("form_token", token), ("email", "owner@example.com"), ("password", password)],
                    headers: [("Sec-Fetch-Site", "same-origin"), ("X-Forwarded-For", client)])
            }
            for _ in 0..<10 { _ = try await attempt(from: "2001:db8::1", "short") }

            #expect(try await attempt(from: "2001:db8::ffff:2", "correct horse").status == 422)
            #expect(try await attempt(from: "2001:db8:0:1::1", "correct horse").status == 303)
        }
    }

    @Test func theEleventhAttemptForAnAddressWaitsForAQuarterOfAnHour() async throws {
        try await withServer { server in
            _ = try await Self.makeOwner(server)
            let page = PageClient(baseURL: server.baseURL)
            for _ in 0..<10 {
                // Too long for a check to be made of it, and counted all the same.
                _ = try await page.submit(
                    "/first-sign-in", on: "/first-sign-in", [("email", "owner@example.com"), ("password", "short")])
            }

            let refused = try await Self.signIn(server, "correct horse").answer
            server.advance(by: .seconds(901))
            let later = try await Self.signIn(server, "correct horse").answer

            #expect(refused.text.contains("There were too many attempts"))
            #expect(later.status == 303)
        }
    }

    @Test func anAccountOfTheCommandLineSetsItsPasswordWithItsKeyOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let page = PageClient(baseURL: server.baseURL)
            let fields = [("email", account.email), ("api_key", account.apiKey), ("password", "correct horse")]

            let wrong = try await page.submit(
                "/first-sign-in", on: "/first-sign-in", [fields[0], ("api_key", "uk_wrong"), fields[2]])
            let first = try await page.submit("/first-sign-in", on: "/first-sign-in", fields)
            let second = try await PageClient(baseURL: server.baseURL).submit(
                "/first-sign-in", on: "/first-sign-in", fields)

            #expect([wrong, first, second].map(\.status) == [422, 303, 422])
            #expect(try await Self.signIn(server, "correct horse", email: account.email).answer.status == 303)
        }
    }

    @Test func signingOutEverywhereEndsEverySession() async throws {
        try await withServer { server in
            let first = try await Self.makeOwner(server)
            let second = try await Self.signIn(server, "correct horse").page

            let answer = try await first.submit("/sign-out-everywhere", on: "/account", [])

            #expect(answer.header("Location") == "/sign-in")
            #expect(try await second.get("/account").header("Location") == "/sign-in?next=%2Faccount")
        }
    }

    @Test func signingOutEndsTheSessionAndNotTheCookieAlone() async throws {
        try await withServer { server in
            let page = try await Self.makeOwner(server)
            let cookie = "httpsms=\(page.cookies["httpsms"] ?? "")"

            _ = try await page.submit("/sign-out", on: "/", [])

            #expect(page.cookies["httpsms"] == nil)
            let thief = PageClient(baseURL: server.baseURL)
            #expect(
                try await thief.get("/account", headers: [("Cookie", cookie)]).header("Location")
                    == "/sign-in?next=%2Faccount")
        }
    }

    @Test func aChangedPasswordEndsEveryOtherSession() async throws {
        try await withServer { server in
            let first = try await Self.makeOwner(server)
            let second = try await Self.signIn(server, "correct horse").page

            let wrong = try await first.submit(
                "/account/password", on: "/account", [("current", "wrong horse"), ("password", "battery staple")])
            let right = try await first.submit(
                "/account/password", on: "/account", [("current", "correct horse"), ("password", "battery staple")])

            #expect([wrong, right].map(\.status) == [422, 303])
            #expect(try await first.get("/account").status == 200)
            #expect(try await second.get("/account").status == 303)
            #expect(try await Self.signIn(server, "correct horse").answer.status == 422)
            #expect(try await Self.signIn(server, "battery staple").answer.status == 303)
        }
    }

    @Test func aDeletedAccountIsSignedOut() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let page = PageClient(baseURL: server.baseURL)
            _ = try await page.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", account.email), ("api_key", account.apiKey), ("password", "correct horse")])

            _ = try await account.client.delete("/v1/users/me")

            #expect(try await page.get("/account").status == 303)
        }
    }
}
