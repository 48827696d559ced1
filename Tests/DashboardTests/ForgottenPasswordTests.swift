import Delivery
import Foundation
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// A forgotten password, and invitations, by e-mail: with a mail server, and where there is none.
@Suite(.timeLimit(.minutes(15))) struct ForgottenPasswordTests {
    private static let url = "https://sms.example.com"
    private static let password = "battery staple"

    /// A server that hands its e-mail in at a mail server, and somebody who is signed in there.
    static func withMail(
        on engine: Engine = .usual,
        _ body: @escaping @Sendable (TestServer, MailReceiver, PageClient, Account) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            try await MailReceiver.run(in: folder, "plain") { mails in
                let settings = [
                    "SMTP_URL": "smtp://127.0.0.1:\(mails.port)", "SMTP_FROM": "sms@example.com", "APP_URL": url + "/",
                ]
                try await withServer(settings, on: engine) { server in
                    let (page, account) = try await server.signedIn()
                    try await body(server, mails, page, account)
                }
            }
        }
    }

    /// How much e-mail was not handed in yet.
    private static func waiting(_ server: TestServer) async throws -> Int? {
        try await server.store.read { tx in try tx.value("SELECT COUNT(*) AS value FROM mail") }
    }

    /// What a page says, without the form tokens of its frame.
    private static func main(_ answer: APIClient.Answer) -> String {
        String(answer.text.firstMatch(of: /<main(?s:.*)<\/main>/)?.output ?? "")
    }

    private static func ask(_ email: String, _ server: TestServer) async throws -> APIClient.Answer {
        try await PageClient(baseURL: server.baseURL).submit(
            "/forgotten-password", on: "/forgotten-password", [("email", email)])
    }

    /// The path and the token of the link in the newest of `count` letters.
    static func link(
        _ mails: MailReceiver, _ count: Int = 1, path: String = "/new-password"
    ) async throws -> (path: String, token: String) {
        let body = try #require(try await mails.mails(count).last)["body"].string
        let pattern = try Regex("\(url)(\(path)\\?token=([0-9A-Za-z%]+))", as: (Substring, Substring, Substring).self)
        let found = try #require(body.firstMatch(of: pattern))
        return (String(found.1), try #require(String(found.2).removingPercentEncoding))
    }

    private static func reset(
        _ link: (path: String, token: String), _ server: TestServer, to password: String = Self.password
    ) async throws -> (page: PageClient, answer: APIClient.Answer) {
        let page = PageClient(baseURL: server.baseURL)
        let fields = [("token", link.token), ("password", password)]
        return (page, try await page.submit("/new-password", on: "/sign-in", fields))
    }

    private static func signIn(
        _ email: String, _ password: String, _ server: TestServer
    ) async throws -> APIClient.Answer {
        try await PageClient(baseURL: server.baseURL).submit(
            "/sign-in", on: "/sign-in", [("email", email), ("password", password)])
    }

    @Test(arguments: Engine.enabled) func aLinkByEMailReplacesThePasswordOnceAndEndsEverySession(
        engine: Engine
    ) async throws {
        try await Self.withMail(on: engine) { server, mails, other, account in
            let asked = try await Self.ask(account.email.uppercased(), server)
            let link = try await Self.link(mails)
            let opened = try await PageClient(baseURL: server.baseURL).get(link.path)
            let short = try await Self.reset(link, server, to: "short").answer
            let (page, answer) = try await Self.reset(link, server)
            let again = try await Self.reset(link, server, to: "another password").answer

            #expect(asked.status == 200 && asked.text.contains("is on its way"))
            #expect(try await mails.mails(1)[0]["to"] == [.string(account.email)])
            #expect(opened.status == 200 && opened.text.contains("value=\"\(account.email)\""))
            #expect(short.status == 422 && short.text.contains("at least 10 characters"))
            #expect(answer.status == 303)
            #expect(try await page.get("/account/log").text.contains("replaced a forgotten password"))
            #expect(try await other.get("/account").header("Location") == "/sign-in?next=%2Faccount")
            #expect(again.status == 422 && again.text.contains("was used, or is older"))
            #expect(try await Self.signIn(account.email, TestServer.password, server).status == 422)
            #expect(try await Self.signIn(account.email, Self.password, server).status == 303)
        }
    }

    @Test func whoAsksDoesNotLearnWhoSignsInHere() async throws {
        try await Self.withMail { server, mails, _, account in
            let unknown = try await Self.ask("nobody-at-all@example.com", server)
            let known = try await Self.ask(account.email, server)
            let nonsense = try await Self.ask("<b>", server)

            #expect(unknown.status == known.status)
            #expect(Self.main(unknown).replacing("nobody-at-all@example.com", with: account.email) == Self.main(known))
            #expect(nonsense.status == 422 && !nonsense.text.contains("<b>"))
            #expect(try await mails.mails(1).count == 1)
        }
    }

    @Test func anAddressGetsThreeLettersInAQuarterOfAnHour() async throws {
        try await Self.withMail { server, mails, _, account in
            for _ in 0..<5 { #expect(try await Self.ask(account.email, server).status == 200) }
            // A letter is forgotten once it was taken.
            try await until("no letter waits") { try await Self.waiting(server) == 0 }
            #expect(try mails.mails().count == 3)

            server.advance(by: .seconds(901))
            _ = try await Self.ask(account.email, server)

            #expect(try await mails.mails(4).count == 4)
        }
    }

    @Test func aLinkEndsAfterAnHourAndWithANewPassword() async throws {
        try await Self.withMail { server, mails, page, account in
            _ = try await Self.ask(account.email, server)
            let late = try await Self.link(mails)
            server.advance(by: .seconds(3_601))
            #expect(try await Self.reset(late, server).answer.status == 422)

            _ = try await Self.ask(account.email, server)
            let overtaken = try await Self.link(mails, 2)
            let changed = try await page.submit(
                "/account/password", on: "/account",
                [("current", TestServer.password), ("password", "correct staple")])
            #expect(changed.status == 303)

            #expect(try await Self.reset(overtaken, server).answer.status == 422)
            #expect(try await Self.signIn(account.email, "correct staple", server).status == 303)
        }
    }

    @Test(arguments: ["", "x", "AAAA", "%00", String(repeating: "A", count: 4_000)])
    func whatIsNoLinkOpensNothing(token: String) async throws {
        try await withServer { server in
            _ = try await server.makeAccount()
            let opened = try await PageClient(baseURL: server.baseURL).get("/new-password?token=\(token)")
            let sent = try await Self.reset(("", token), server).answer

            #expect(opened.status == 422 && sent.status == 422)
        }
    }

    @Test func aPassForACodeIsNoLinkAndTheSecondStepIsStillAsked() async throws {
        try await Self.withMail { server, mails, page, account in
            let shown = try await page.get("/account/two-step").text
            let secret = String(try #require(shown.firstMatch(of: /<code id="secret">([A-Z2-7]{32})</)).1)
            let codes = try #require(OneTimeCodes(secret))
            let turnedOn = try await page.submit(
                "/account/two-step", on: "/account/two-step",
                [
                    ("secret", secret), ("code", codes.code(at: OneTimeCodes.step(at: server.clock.now()))),
                    ("current", TestServer.password),
                ])
            #expect(turnedOn.status == 200)
            let pass = /name="pass" value="([^"]+)"/
            let halfway = try #require(
                try await Self.signIn(account.email, TestServer.password, server).text.firstMatch(of: pass))
            #expect(try await Self.reset(("", String(halfway.1)), server).answer.status == 422)

            _ = try await Self.ask(account.email, server)
            let link = try await Self.link(mails)
            let (browser, answer) = try await Self.reset(link, server)

            #expect(answer.status == 200 && answer.text.contains("<h1>The second step</h1>"))
            #expect(browser.cookies["httpsms"] == nil)
            server.advance(by: .seconds(30))
            let finished = try await browser.submit(
                "/sign-in/code", on: "/sign-in",
                [
                    ("pass", String(try #require(answer.text.firstMatch(of: pass)).1)),
                    ("code", codes.code(at: OneTimeCodes.step(at: server.clock.now()))),
                ])
            #expect(finished.status == 303)
        }
    }

    @Test(arguments: [
        [:], ["SMTP_URL": "smtp://127.0.0.1:1", "SMTP_FROM": "sms@example.com"], ["APP_URL": "https://sms.example.com"],
    ]) func withoutMailOrAnAddressOfItsOwnTheServerOffersNoLink(settings: [String: String]) async throws {
        try await withServer(settings) { server in
            let account = try await server.makeAccount()
            let page = PageClient(baseURL: server.baseURL)

            let answer = try await page.submit(
                "/forgotten-password", on: "/sign-in", [("email", account.email)])

            #expect(answer.text.contains("httpsms user password") && !answer.text.contains("on its way"))
            #expect(try await page.get("/sign-in").text.contains("httpsms user password"))
            #expect(try await Self.waiting(server) == 0)
        }
    }

    @Test func whoIsInvitedGetsTheLinkByEMail() async throws {
        try await Self.withMail { server, mails, owner, account in
            let guest = try await owner.submit("/users/invite", on: "/users", [("email", "guest@example.com")])
            let team = try await owner.submit(
                "/account/team/invite", on: "/account/team",
                [("email", "kim@example.com"), ("role", "sender"), ("current", TestServer.password)])
            let letters = try await mails.mails(2)

            for (answer, letter) in zip([guest, team], letters) {
                #expect(answer.text.contains("An e-mail with this link is on its way to them."))
                #expect(letter["body"].string.contains(account.email))
            }
            #expect(letters.map { $0["to"] } == [["guest@example.com"], ["kim@example.com"]])
            let link = try await Self.link(mails, 2, path: "/invitation")
            let joined = try await PageClient(baseURL: server.baseURL).submit(
                "/invitation", on: link.path, [("token", link.token), ("password", Self.password)])
            #expect(joined.status == 303)
        }
    }

    @Test func anAccountFloodsNobodyWithInvitations() async throws {
        try await Self.withMail { server, mails, owner, _ in
            var mailed: [Bool] = []
            for email in ["a@example.com"].repeated(5) + (0..<20).map({ "b\($0)@example.com" }) {
                let answer = try await owner.submit("/users/invite", on: "/users", [("email", email)])
                mailed.append(answer.text.contains("is on its way"))
                #expect(answer.status == 200 && answer.text.contains("<pre id=\"link\">"))
            }

            #expect(mailed == [true].repeated(3) + [false].repeated(2) + [true].repeated(15) + [false].repeated(5))
            #expect(try await mails.mails(18).count == 18)
        }
    }
}

extension Array {
    fileprivate func repeated(_ count: Int) -> [Element] { (0..<count).flatMap { _ in self } }
}
