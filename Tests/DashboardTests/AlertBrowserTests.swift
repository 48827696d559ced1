import TestSupport
import Testing

/// Alerts, and what few webhooks need, in a real browser.
@Suite(.serialized, .timeLimit(.minutes(15))) struct AlertBrowserTests {
    /// A server with a phone, and a browser that is signed in; at the end no complaint of the browser.
    private static func withBrowser(
        _ look: Browser.Look, _ settings: [String: String] = [:],
        _ body: @escaping @Sendable (TestServer, Browser, Account) async throws -> Void
    ) async throws {
        try await withServer(settings) { server in
            try await TestSupport.withBrowser(look) { browser in
                let account = try await server.makeAccount()
                _ = try await account.makePhone()
                try await browser.signIn(account, on: server)
                try await body(server, browser, account)
                #expect(try await browser.complaints() == [])
            }
        }
    }

    private static let mail = ["SMTP_URL": "smtp://127.0.0.1:1", "SMTP_FROM": "sms@example.com"]

    @Test(arguments: Browser.Look.usual)
    func aChatIsAddedTriedAndAlertsAreQuietAtNight(_ look: Browser.Look) async throws {
        try await WebhookReceiver.run { receiver in
            try await Self.withBrowser(look, Self.mail) { server, browser, account in
                try await browser.open(server.baseURL + "/attention")
                try await browser.follow(".head .button")
                try await browser.waitFor("Slack, Discord, Telegram")
                try await browser.inspect("alerts-none", look)
                try await browser.follow(".head .button")
                try await browser.type(receiver.url("/chat"), into: "#url")
                try await browser.run("document.getElementById('payload-format').value = 'slack'")
                try await browser.click("details.more > summary")
                try await browser.click("details.more fieldset:nth-of-type(2) summary")
                try await browser.type("99", into: "#timeout-seconds")
                try await browser.follow("main .actions button")
                try await browser.waitFor("Enter 30 at most.")
                #expect(try await browser.run("return document.activeElement.id") == "timeout-seconds")
                try await browser.inspect("alert-form", look)
                try await browser.type("9", into: "#timeout-seconds")
                try await browser.follow("main .actions button")
                try await browser.waitFor("The changes were saved.")
                try await browser.follow("form[action$='/test'] button")
                try await until("the delivery is over") {
                    try await browser.reload()
                    return try await browser.text().contains("succeeded")
                }
                try await browser.follow("main a[href='/settings/alerts']")
                try await browser.run("document.getElementById('quiet-from').value = '22:00'")
                try await browser.follow("form[action$='/quiet'] button")
                try await browser.waitFor("Enter a time such as 22:00")
                try await browser.inspect("alerts-wrong", look)
                try await browser.run("document.getElementById('quiet-until').value = '07:00'")
                try await browser.follow("form[action$='/quiet'] button")
                try await browser.waitFor("The changes were saved.")
                try await browser.click("#about-phones")
                try await browser.follow("form[action$='/e-mail'] button")
                try await browser.waitFor("The changes were saved.")
                try await browser.inspect("alerts", look)
                let settings = try await account.client.get("/v1/alerts/settings").data
                #expect(settings == ["quiet_from": "22:00", "quiet_until": "07:00"])
                let user = try await account.client.get("/v1/users/me").data
                #expect(user["notification_heartbeat_enabled"] == false)
                #expect(user["notification_webhook_enabled"] == true)
            }
        }
    }

    @Test(arguments: Browser.Look.usual)
    func whatFewWebhooksNeedIsFoldedUntilItIsSet(_ look: Browser.Look) async throws {
        try await Self.withBrowser(look) { server, browser, account in
            try await browser.open(server.baseURL + "/settings/webhooks/new")
            try await browser.inspect("webhook-form-simple", look)
            #expect(try await browser.run("return document.querySelector('details.more').open") == false)
            try await browser.type("http://127.0.0.1:1/hook", into: "#url")
            try await browser.click("details.more > summary")
            try await browser.run("document.querySelectorAll('details.more details').forEach((d) => { d.open = true })")
            try await browser.inspect("webhook-form-more", look)
            try await browser.type("+49*", into: "#filter-contacts")
            try await browser.type("(", into: "#filter-pattern")
            try await browser.follow("main .actions button")
            try await browser.waitFor("It cannot be used:")
            #expect(try await browser.run("return document.activeElement.id") == "filter-pattern")
            try await browser.inspect("webhook-form-filter", look)
            try await browser.type("code", into: "#filter-pattern")
            try await browser.follow("main .actions button")
            try await browser.waitFor("No delivery yet.")
            try await browser.waitFor("from or to +49*; with text that fits code")
            try await browser.inspect("webhook-filtered", look)
            try await browser.follow("a[href$='/edit']")
            #expect(try await browser.run("return document.querySelector('details.more').open") == true)
            #expect(try await account.client.get("/v1/webhooks").data[0]["filters"]["contacts"] == ["+49*"])
        }
    }
}
