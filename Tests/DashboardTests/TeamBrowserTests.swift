import TestSupport
import Testing

@testable import Gateway

/// A team in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct TeamBrowserTests {
    @Test(arguments: Browser.Look.usual)
    func somebodyIsAskedInAndReads(_ look: Browser.Look) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                _ = try await phone.receive(["from": "+18005550101", "content": "Is my parcel there?"])
                try await browser.signIn(account, on: server)
                try await browser.open(server.baseURL + "/account")
                try await browser.click("a[href='/account/team']")
                try await browser.waitFor("Nobody else works here yet.")
                try await browser.inspect("team-none", look)
                try await browser.type("kim@example.com", into: "#email")
                try await browser.run("document.getElementById('role').value = 'reader'")
                try await browser.type(TestServer.password, into: "#current")
                try await browser.click("main button[type=submit]")
                try await browser.waitFor("For kim@example.com")
                try await browser.inspect("team-invited", look)
                let link = try await browser.run("return document.getElementById('link').textContent").string
                try await browser.open(server.baseURL + "/account/team")
                try await browser.waitFor("The link works until")
                try await browser.inspect("team-open", look)

                try await browser.signOut()
                try await browser.waitFor("No password yet?")
                try await browser.open(link)
                try await browser.waitFor("invited you to the team")
                try await browser.inspect("team-join", look)
                try await browser.type("battery staple", into: "#password")
                try await browser.click("main button")
                try await browser.waitFor("Is my parcel there?")
                try await browser.waitFor("You may only read in this account.")
                try await browser.inspect("reader-messages", look)
                let offered = try await browser.run(
                    "return [...document.querySelectorAll('main a[href*=\"/new\"]')].filter(e => e.offsetParent).length"
                )
                #expect(offered == 0)
                try await browser.follow("#thread-list a:first-child")
                try await browser.inspect("reader-conversation", look)
                #expect(try await browser.run("return document.querySelector('#reply').offsetParent === null") == true)
                try await browser.open(server.baseURL + "/account")
                try await browser.inspect("reader-account", look)
                try await browser.open(server.baseURL + "/settings/webhooks")
                try await browser.waitFor("Your role in this account does not allow this.")
                try await browser.waitFor("Back to the messages")
                try await browser.inspect("reader-refused", look)
                try await browser.open(server.baseURL + "/account")
                try await browser.signOut()
                try await browser.waitFor("No password yet?")
                try await browser.type(account.email, into: "#email")
                try await browser.type(TestServer.password, into: "#password")
                try await browser.click("main button")
                try await browser.waitFor("At a glance")
                try await browser.open(server.baseURL + "/account/team")
                try await browser.click("main summary")
                try await browser.inspect("team", look)
            }
        }
    }
}
