import Foundation
import TestSupport
import Testing

/// The pages in a real browser, with its own cookies, headers, scripts and content security policy.
@Suite(.serialized, .timeLimit(.minutes(3))) struct BrowserTests {
    /// The server, a browser, and at the end no complaint of the browser.
    private static func withPages(
        _ look: Browser.Look = .desktopLight,
        _ body: @escaping @Sendable (TestServer, Browser) async throws -> Void
    ) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                try await body(server, browser)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    private static func makeOwner(_ server: TestServer, _ browser: Browser) async throws {
        let token = try #require(server.log.lines.compactMap { $0.metadata["token"] }.first)
        try await browser.open(server.baseURL)
        try await browser.type(token, into: "#token")
        try await browser.type("owner@example.com", into: "#email")
        try await browser.type("correct horse", into: "#password")
        try await browser.click("main button")
        try await browser.waitFor("At a glance")
    }

    @Test func theFirstRunEndsOnTheOverviewAndSignOutLeadsBack() async throws {
        try await Self.withPages { server, browser in
            try await Self.makeOwner(server, browser)
            #expect(try await browser.path() == "/")
            #expect(try await browser.run("return document.cookie").string == "")

            try await browser.click(".who button")
            try await browser.waitFor("No password yet?")
            try await browser.type("owner@example.com", into: "#email")
            try await browser.type("wrong horse", into: "#password")
            try await browser.click("main button")
            try await browser.waitFor("The e-mail address or the password is wrong.")
            try await browser.type("correct horse", into: "#password")
            try await browser.click("main button")
            try await browser.waitFor("At a glance")
        }
    }

    @Test func aFormWhoseTokenWasTamperedWithIsRefused() async throws {
        try await Self.withPages { server, browser in
            try await Self.makeOwner(server, browser)

            try await browser.run("document.querySelector('.who [name=form_token]').value = 'a'.repeat(64)")
            try await browser.click(".who button")

            try await browser.waitFor("This form was not sent from a page of this server")
        }
    }

    @Test func theCookieOfAPageOpensNothingOfTheAPI() async throws {
        try await Self.withPages { server, browser in
            try await Self.makeOwner(server, browser)

            let status = try await browser.run("return fetch('/v1/users/me').then((answer) => answer.status)")

            #expect(status == .int(401))
        }
    }

    @Test(arguments: Browser.Look.allCases)
    func everyPageCanBeUsedByEverybody(_ look: Browser.Look) async throws {
        try await Self.withPages(look) { server, browser in
            try await browser.open(server.baseURL)
            try await Self.inspect("first-run", look, browser)
            try await browser.open(server.baseURL + "/first-sign-in")
            try await Self.inspect("first-sign-in", look, browser)
            try await Self.makeOwner(server, browser)
            try await Self.inspect("overview", look, browser)
            try await browser.open(server.baseURL + "/account")
            try await Self.inspect("account", look, browser)
            try await browser.open(server.baseURL + "/assets/nothing/here")
            try await Self.inspect("not-found", look, browser)
            try await browser.click(".who button")
            try await browser.waitFor("No password yet?")
            try await Self.inspect("sign-in", look, browser)
        }
    }

    /// Looks for barriers, and keeps a picture when HTTPSMS_SCREENSHOTS is set.
    private static func inspect(_ name: String, _ look: Browser.Look, _ browser: Browser) async throws {
        #expect(try await browser.barriers() == [], "\(name), \(look)")
        guard ProcessInfo.processInfo.environment["HTTPSMS_SCREENSHOTS"] == "1" else { return }
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../screenshots")
            .standardized
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await browser.screenshot().write(to: folder.appending(path: "\(name)-\(look.rawValue).png"))
    }
}
