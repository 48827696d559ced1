import Secrets
import Server
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Signing in with a code besides the password, as a browser does it.
@Suite(.timeLimit(.minutes(15))) struct TwoStepTests {
    /// Somebody who turned it on.
    private struct Owner {
        let server: TestServer
        /// The browser in which they did.
        let page: PageClient
        let account: Account
        let codes: OneTimeCodes
        let recoveryCodes: [String]

        init(_ server: TestServer) async throws {
            self.server = server
            (page, account) = try await server.signedIn()
            codes = try #require(OneTimeCodes(try await TwoStepTests.secret(page)))
            let answer = try await page.submit(
                "/account/two-step", on: "/account/two-step",
                [
                    ("secret", codes.text), ("code", TwoStepTests.code(codes, server)),
                    ("current", TestServer.password),
                ])
            #expect(answer.status == 200)
            recoveryCodes = TwoStepTests.recoveryCodes(answer.text)
            server.clock.advance(by: .seconds(30))
        }

        /// What the app shows now.
        var code: String { TwoStepTests.code(codes, server) }

        /// A browser that gave the password, and what stood in the form for the code.
        func begin(_ headers: [(String, String)] = []) async throws -> (page: PageClient, pass: String) {
            let page = PageClient(baseURL: server.baseURL)
            let token = try await page.formToken(of: "/sign-in")
            let answer = try await page.post(
                "/sign-in",
                [
                    ("form_token", token), ("email", account.email), ("password", TestServer.password),
                    ("next", "/phones"),
                ],
                headers: [("Sec-Fetch-Site", "same-origin")] + headers)
            #expect(answer.status == 200 && answer.text.contains("<h1>The second step</h1>"))
            #expect(page.cookies["httpsms"] == nil)
            let pass = try #require(answer.text.firstMatch(of: /name="pass" value="([^"]+)"/)).1
            return (page, String(pass))
        }

        /// Gives a code in a browser that gave the password.
        func finish(_ begun: (page: PageClient, pass: String), _ code: String) async throws -> APIClient.Answer {
            try await begun.page.submit(
                "/sign-in/code", on: "/sign-in", [("pass", begun.pass), ("code", code), ("next", "/phones")])
        }

        /// Gives the password and then a code.
        func signIn(_ code: String) async throws -> APIClient.Answer { try await finish(begin(), code) }

        func submit(_ path: String, _ code: String) async throws -> APIClient.Answer {
            try await page.submit(path, on: "/account/two-step", [("code", code), ("current", TestServer.password)])
        }
    }

    private static func code(_ codes: OneTimeCodes, _ server: TestServer) -> String {
        codes.code(at: OneTimeCodes.step(at: server.clock.now()))
    }

    private static func secret(_ page: PageClient) async throws -> String {
        let text = try await page.get("/account/two-step").text
        return String(try #require(text.firstMatch(of: /<code id="secret">([A-Z2-7]{32})</)).1)
    }

    private static func recoveryCodes(_ text: String) -> [String] {
        let shown = text.firstMatch(of: /<pre id="recovery-codes">([^<]*)</)?.1 ?? ""
        return shown.split(separator: "\n").map(String.init)
    }

    @Test func thePasswordAloneOpensNothingAndACodeDoes() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            let begun = try await owner.begin()

            #expect(try await begun.page.get("/account").status == 303)
            let wrong = try await owner.finish(begun, "000000" == owner.code ? "000001" : "000000")
            #expect(wrong.status == 422 && wrong.text.contains("The code is wrong"))
            #expect(begun.page.cookies["httpsms"] == nil)

            let right = try await owner.finish(begun, owner.code)
            #expect(right.status == 303 && right.header("Location") == "/phones")
            #expect(try await begun.page.get("/account").text.contains("10 recovery codes left"))
        }
    }

    @Test func aCodeWorksOnce() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            let code = owner.code

            async let first = owner.signIn(code)
            async let second = owner.signIn(code)
            let answers = try await [first.status, second.status].sorted()

            #expect(answers == [303, 422])
            #expect(try await owner.signIn(code).status == 422)
            server.clock.advance(by: .seconds(30))
            #expect(try await owner.signIn(owner.code).status == 303)
        }
    }

    @Test func aRecoveryCodeWorksOnceAndIsNoted() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            #expect(owner.recoveryCodes.count == 10)

            #expect(try await owner.signIn(owner.recoveryCodes[3].uppercased()).status == 303)
            #expect(try await owner.signIn(owner.recoveryCodes[3]).status == 422)

            #expect(try await owner.page.get("/account").text.contains("9 recovery codes left"))
            #expect(try await owner.page.get("/account/log").text.contains("signed in with a recovery code"))
        }
    }

    @Test func itIsTurnedOnWithTheCodeOfTheNewAppAndThePassword() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let codes = try #require(OneTimeCodes(try await Self.secret(page)))
            let code = Self.code(codes, server)

            for (secret, code, password, status) in [
                (codes.text, code, "wrong horse", 422), (codes.text, "12345", "correct horse", 422),
                (OneTimeCodes().text, code, "correct horse", 422), ("AAAA", code, "correct horse", 404),
            ] {
                let answer = try await page.submit(
                    "/account/two-step", on: "/account/two-step",
                    [("secret", secret), ("code", code), ("current", password)])
                #expect(answer.status == status)
                // The app has this secret now: the form keeps it.
                #expect(status == 404 || answer.text.contains("<code id=\"secret\">\(secret)</code>"))
            }
            let other = PageClient(baseURL: server.baseURL)
            let answer = try await other.submit(
                "/sign-in", on: "/sign-in", [("email", account.email), ("password", "correct horse")])
            #expect(answer.status == 303)
        }
    }

    @Test func twoThatTurnItOnAtOnceLeaveOneSecret() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            let other = OneTimeCodes()

            let answer = try await owner.page.submit(
                "/account/two-step", on: "/account/two-step",
                [
                    ("secret", other.text), ("code", Self.code(other, server)), ("current", TestServer.password),
                ])

            #expect(answer.status == 422 && answer.text.contains("is on already"))
            #expect(try await owner.signIn(owner.code).status == 303)
        }
    }

    @Test func newRecoveryCodesReplaceTheOldOnes() async throws {
        try await withServer { server in
            let owner = try await Owner(server)

            let wrong = try await owner.submit("/account/two-step/codes", "nonsense")
            let right = try await owner.submit("/account/two-step/codes", owner.code)
            #expect(right.text.contains("recovery codes from before do not work any more."))
            #expect(!right.text.contains("Two-step sign-in is on now."))

            let codes = Self.recoveryCodes(right.text)
            #expect(wrong.status == 422 && Self.recoveryCodes(wrong.text).isEmpty)
            #expect(codes.count == 10 && Set(codes).isDisjoint(with: owner.recoveryCodes))
            #expect(try await owner.signIn(owner.recoveryCodes[0]).status == 422)
            #expect(try await owner.signIn(codes[0]).status == 303)
        }
    }

    @Test func turningItOffTakesBoth() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            let path = "/account/two-step/off"

            let wrong = try await owner.page.submit(
                path, on: "/account/two-step", [("code", owner.code), ("current", "wrong horse")])
            #expect(wrong.status == 422)
            #expect(try await owner.submit(path, "").status == 422)
            #expect(try await owner.submit(path, owner.recoveryCodes[0]).status == 303)

            let page = PageClient(baseURL: server.baseURL)
            let answer = try await page.submit(
                "/sign-in", on: "/sign-in", [("email", owner.account.email), ("password", TestServer.password)])
            #expect(answer.status == 303)
            let rows: Int64? = try await server.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM recovery_code")
            }
            #expect(rows == 0)
        }
    }

    @Test func aPassEndsAfterTenMinutesAndWithThePassword() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            let late = try await owner.begin()
            server.clock.advance(by: .seconds(600))

            let answer = try await owner.finish(late, owner.code)
            #expect(answer.status == 422 && answer.text.contains("Sign in again."))

            let stale = try await owner.begin()
            _ = try await owner.page.submit(
                "/account/password", on: "/account",
                [("current", TestServer.password), ("password", "battery staple")])
            #expect(try await owner.finish(stale, owner.code).text.contains("Sign in again."))
            for pass in ["", "x", "AAAA", String(repeating: "A", count: 4_000), owner.account.email] {
                let answer = try await owner.finish((stale.page, pass), owner.code)
                #expect(answer.status == 422 && answer.text.contains("Sign in again."))
            }
        }
    }

    @Test func aStrangersPassDoesNotOpenAnother() async throws {
        try await withServer { server in
            let (owner, stranger) = (try await Owner(server), try await Owner(server))

            let answer = try await owner.finish(stranger.begin(), owner.code == stranger.code ? "" : owner.code)

            #expect(answer.status == 422)
        }
    }

    @Test func guessesAreBoundedAndDoNotShutOutABrowserThatIsKnown() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            let device = [("Cookie", "httpsms-device=\(owner.page.cookies["httpsms-device"] ?? "")")]
            let begun = try await owner.begin()

            for _ in 0..<10 {
                #expect(try await owner.finish(begun, "nonsense").text.contains("The code is wrong"))
            }
            // A new password check does not begin a new count.
            #expect(try await owner.signIn(owner.code).text.contains("too many attempts"))

            let known = try await owner.begin(device)
            let answer = try await known.page.post(
                "/sign-in/code",
                [("form_token", known.page.cookies["httpsms-form"] ?? ""), ("pass", known.pass), ("code", owner.code)],
                headers: [("Sec-Fetch-Site", "same-origin")] + device)
            #expect(answer.status == 303)

            server.clock.advance(by: .seconds(901))
            #expect(try await owner.signIn(owner.code).status == 303)
        }
    }

    @Test func whoeverRunsTheServerLetsSomebodyInAgain() async throws {
        try await withServer { server in
            let owner = try await Owner(server)
            let users = server.gateway.users

            try await users.setPassword("battery staple", email: owner.account.email)
            let page = PageClient(baseURL: server.baseURL)
            let form = [("email", owner.account.email), ("password", "battery staple")]
            // Another password is one step, not both.
            #expect(try await page.submit("/sign-in", on: "/sign-in", form).status == 200)
            try await users.removeSecondFactor(email: owner.account.email)

            #expect(try await page.submit("/sign-in", on: "/sign-in", form).status == 303)
            #expect(try await page.get("/account/log").text.contains("turned two-step sign-in off"))
            await #expect(throws: UserCreationError.self) {
                try await users.removeSecondFactor(email: owner.account.email)
            }
            await #expect(throws: UserCreationError.self) {
                try await users.removeSecondFactor(email: "nobody@example.com")
            }
        }
    }

    @Test func aDeletedAccountLeavesNothing() async throws {
        try await withServer { server in
            let owner = try await Owner(server)

            _ = try await owner.account.client.delete("/v1/users/me")

            for table in ["second_factor", "recovery_code"] as [SQL] {
                let rows = try await server.store.read { tx in try tx.rows("SELECT * FROM \(table)").count }
                #expect(rows == 0, "\(table)")
            }
        }
    }
}
