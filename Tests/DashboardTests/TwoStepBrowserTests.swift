import TestSupport
import Testing

@testable import Gateway

/// Two-step sign-in in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct TwoStepBrowserTests {
    @Test(arguments: Browser.Look.usual)
    func itIsTurnedOnUsedAndTurnedOff(_ look: Browser.Look) async throws {
        try await withServer { server in
            try await withBrowser(look) { browser in
                let account = try await server.makeAccount()
                try await browser.signIn(account, on: server)
                try await browser.open(server.baseURL + "/account")
                try await browser.click("a[href='/account/two-step']")
                try await browser.waitFor("Enter the code that it shows now.")
                try await browser.inspect("two-step-off", look)
                let secret = try await browser.run("return document.getElementById('secret').textContent").string
                let codes = try #require(OneTimeCodes(secret))
                func code() -> String { codes.code(at: OneTimeCodes.step(at: server.clock.now())) }

                try await browser.type(code(), into: "#code")
                try await browser.type("wrong horse", into: "#current")
                try await browser.click("main button[type=submit]")
                try await browser.waitFor("The current password is wrong.")
                try await browser.type(code(), into: "#code")
                try await browser.type(TestServer.password, into: "#current")
                try await browser.click("main button[type=submit]")
                try await browser.waitFor("Write these down")
                try await browser.waitFor("Two-step sign-in is on now.")
                try await browser.inspect("recovery-codes", look)
                let shown = try await browser.run("return document.getElementById('recovery-codes').textContent").string

                try await browser.open(server.baseURL + "/account")
                try await browser.waitFor("10 recovery codes left.")
                try await browser.inspect("account-two-step", look)
                try await browser.signOut()
                try await browser.waitFor("No password yet?")
                try await browser.type(account.email, into: "#email")
                try await browser.type(TestServer.password, into: "#password")
                try await browser.click("main button")
                try await browser.waitFor("The second step")
                try await browser.type("nonsense", into: "#code")
                try await browser.click("main button")
                try await browser.waitFor("The code is wrong")
                try await browser.inspect("sign-in-code", look)
                try await browser.type(String(shown.prefix(19)), into: "#code")
                try await browser.click("main button")
                try await browser.waitFor("At a glance")

                try await browser.open(server.baseURL + "/account/two-step")
                try await browser.waitFor("9 recovery codes left.")
                try await browser.inspect("two-step-on", look)
                #expect(try await browser.complaints() == [])
            }
        }
    }
}
