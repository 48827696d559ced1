import TestSupport
import Testing

/// A forgotten password in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ForgottenPasswordBrowserTests {
    @Test(arguments: Browser.Look.usual)
    func somebodyChoosesAnother(_ look: Browser.Look) async throws {
        try await ForgottenPasswordTests.withMail { server, mails, _, account in
            try await withBrowser(look) { browser in
                try await browser.open(server.baseURL + "/sign-in")
                try await browser.click("a[href='/forgotten-password']")
                try await browser.waitFor("lets you choose another password")
                try await browser.inspect("forgotten-password", look)
                try await browser.type(account.email, into: "#email")
                try await browser.click("main button[type=submit]")
                try await browser.waitFor("an e-mail with a link is on its way")
                try await browser.inspect("forgotten-password-sent", look)

                let link = try await ForgottenPasswordTests.link(mails)
                try await browser.open(server.baseURL + link.path)
                try await browser.waitFor("signs you out everywhere else")
                try await browser.inspect("new-password", look)
                try await browser.type("battery staple", into: "#password")
                try await browser.click("main button[type=submit]")
                try await browser.waitFor("At a glance")

                try await browser.open(server.baseURL + link.path)
                try await browser.waitFor("This link was used")
                try await browser.inspect("new-password-used", look)
            }
        }
    }
}
