import TestSupport
import Testing

/// The pages in a real browser, with its own cookies, headers, scripts and content security policy.
@Suite(.serialized, .timeLimit(.minutes(15))) struct BrowserTests {
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
        let token = try #require(server.firstRunTokens.first)
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

            try await browser.signOut()
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

            // In one turn: a live update in between would bring the menu again as it was.
            try await browser.run(
                """
                document.querySelector('.who [name=form_token]').value = 'a'.repeat(64);
                document.querySelector('.who button').click();
                """)

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

    @Test func rowsArriveWithoutAReload() async throws {
        try await WebhookReceiver.run { _, _ in
            .status(200)
        } body: { receiver in
            try await Self.withPages { server, browser in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let id = try await account.makeWebhook(receiver.url())["id"].string
                try await browser.signIn(account, on: server)
                for (path, text) in [("/events", "was sent this event"), ("/settings/webhooks/\(id)", "succeeded")] {
                    try await browser.open(server.baseURL + path)
                    try await browser.run("window.isTheSamePage = true")
                    #expect(try await !browser.text().contains("+18005550101"))

                    _ = try await phone.receive(["from": "+18005550101", "content": .string(path)])

                    try await until("\(path) shows \(text)") {
                        try await browser.run("return document.querySelector('[data-live]').textContent").string
                            .contains(text)
                    }
                    #expect(try await browser.run("return window.isTheSamePage") == true)
                }
            }
        }
    }

    @Test func theColoursAreThoseThatWereChosen() async throws {
        try await Self.withPages { server, browser in
            try await browser.open(server.baseURL)
            func ground() async throws -> String {
                try await browser.run("return getComputedStyle(document.body).backgroundColor").string
            }
            let light = try await ground()

            try await browser.follow(".theme button")
            #expect(try await ground() == light)
            try await browser.follow(".theme button")

            #expect(try await ground() == "rgb(18, 22, 28)")
            #expect(try await browser.barriers() == [])
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
            try await browser.open(server.baseURL + "/attention")
            try await Self.inspect("attention-none", look, browser)
            try await browser.open(server.baseURL + "/account")
            try await Self.inspect("account", look, browser)
            try await browser.open(server.baseURL + "/account/keys")
            try await Self.inspect("access-keys", look, browser)
            try await browser.open(server.baseURL + "/account")
            try await browser.type("correct horse", into: "#key-password")
            try await browser.click("form[action='/account/api-key'] button")
            try await browser.waitFor("Keep it to yourself")
            try await Self.inspect("api-key", look, browser)
            try await browser.open(server.baseURL + "/system")
            try await browser.waitFor("Every delivery is accounted for.")
            try await Self.inspect("system", look, browser)
            try await browser.open(server.baseURL + "/users")
            try await Self.inspect("users", look, browser)
            try await browser.type("guest@example.com", into: "#email")
            try await browser.click("form[action='/users/invite'] button")
            try await browser.waitFor("For guest@example.com")
            try await Self.inspect("invited", look, browser)
            let link = try await browser.run("return document.getElementById('link').textContent").string
            try await browser.open(link)
            try await Self.inspect("invitation", look, browser)
            try await browser.open(server.baseURL + "/nope")
            try await Self.inspect("not-found", look, browser)
            try await browser.signOut()
            try await browser.waitFor("No password yet?")
            try await Self.inspect("sign-in", look, browser)
        }
    }

    @Test(arguments: Browser.Look.allCases)
    func aWebhookIsMadeTriedAndSeenFailingAndSucceeding(_ look: Browser.Look) async throws {
        try await WebhookReceiver.run { _, count in
            count == 0 ? .status(404) : .status(200)
        } body: { receiver in
            try await Self.withPages(look) { server, browser in
                let account = try await server.makeAccount()
                _ = try await account.makePhone()
                try await browser.signIn(account, on: server)

                try await browser.open(server.baseURL + "/settings/webhooks")
                try await Self.inspect("webhooks-none", look, browser)
                try await browser.open(server.baseURL + "/settings/callbacks")
                try await Self.inspect("callbacks-none", look, browser)
                try await browser.open(server.baseURL + "/settings/playground")
                try await browser.follow("main form button")
                try await Self.inspect("playground", look, browser)
                try await browser.open(server.baseURL + "/settings/webhooks")
                try await browser.click(".head .button")
                try await browser.type(receiver.url(), into: "#url")
                // All phones are chosen already.
                try await browser.click("#all-numbers")
                try await browser.click("main button[type=submit]")
                try await browser.waitFor("Choose at least one phone number.")
                try await Self.inspect("webhook-form", look, browser)
                try await browser.click("#all-numbers")
                try await browser.click("main button[type=submit]")
                try await browser.waitFor("Its key is under Verify signatures.")
                try await browser.waitFor("No delivery yet.")
                try await browser.follow("form[action$='/test'] button")
                try await Self.reload(browser, until: "failed")
                #expect(try await browser.text().contains("404"))
                try await Self.inspect("delivery-failed", look, browser)
                let delivery = try await browser.path()
                try await browser.open(server.baseURL + "/attention")
                try await browser.waitFor("404 from /")
                try await Self.inspect("attention", look, browser)
                try await browser.open(server.baseURL + delivery)
                try await browser.follow("form[action$='/retry'] button")
                try await Self.reload(browser, until: "succeeded")
                try await Self.inspect("delivery", look, browser)
                try await browser.open(server.baseURL + "/settings/webhooks")
                try await browser.waitFor("1 of 2 deliveries that ended in the last 24 hours succeeded")
                try await Self.inspect("webhooks", look, browser)
                try await browser.click("main h2 a")
                try await browser.waitFor("Rotate the key")
                try await Self.inspect("webhook", look, browser)
                let webhook = try await browser.path()
                try await browser.open(server.baseURL + webhook + "/verify")
                try await browser.type("correct horse", into: "#current")
                try await browser.follow("form[action$='/verify'] button")
                try await Self.inspect("verify", look, browser)
                try await browser.open(server.baseURL + webhook + "/replay")
                try await browser.click("#succeeded")
                try await Self.inspect("replay-form", look, browser)
                try await browser.run("document.getElementById('until').value = '2999-01-01T00:00:00'")
                try await browser.follow("form[action$='/replay'] button[type=submit]")
                try await browser.waitFor("completed")
                try await Self.inspect("replay", look, browser)
                #expect(try await browser.text().contains("1 of 1 events checked, 1 sent again."))
                try await browser.open(server.baseURL + "/events")
                try await Self.inspect("events", look, browser)
                try await browser.open(server.baseURL)
                try await browser.waitFor("Deliveries by the hour")
                #expect(try await browser.text().contains("23 hours ago"))
                try await Self.inspect("overview-busy", look, browser)
            }
        }
    }

    /// Loads the page again until it shows `text`.
    private static func reload(_ browser: Browser, until text: String) async throws {
        try await TestSupport.until("the page shows \(text)") {
            try await browser.reload()
            return try await browser.text().contains(text)
        }
    }

    private static func inspect(_ name: String, _ look: Browser.Look, _ browser: Browser) async throws {
        try await browser.inspect(name, look)
    }
}
