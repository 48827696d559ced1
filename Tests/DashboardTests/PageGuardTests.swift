import TestSupport
import Testing

/// What keeps other sites, other accounts and other keys away from the pages.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PageGuardTests {
    @Test(arguments: [
        [("Sec-Fetch-Site", "cross-site")], [("Sec-Fetch-Site", "same-site")], [("Sec-Fetch-Site", "none")], [],
        [("Origin", "https://evil.example")], [("Origin", "null")],
    ])
    func aFormOfAnotherOriginIsRefused(_ headers: [(String, String)]) async throws {
        try await withServer { server in
            let page = try await server.signedIn().page
            let token = try await page.formToken(of: "/account")

            let foreign = try await page.post("/sign-out", [("form_token", token)], headers: headers)
            let own = try await page.post("/sign-out", [("form_token", token)], headers: [("Origin", server.baseURL)])

            #expect(foreign.status == 403)
            #expect(own.status == 303)
        }
    }

    @Test(arguments: ["/sign-out", "/sign-in", "/first-run", "/first-sign-in", "/account/password"])
    func aFormWithoutItsTokenIsRefused(_ path: String) async throws {
        try await withServer { server in
            let page = try await server.signedIn().page
            let other = try await server.signedIn().page.formToken(of: "/account")

            for token in ["", other] {
                let answer = try await page.post(
                    path, [("form_token", token)], headers: [("Sec-Fetch-Site", "same-origin")])
                #expect(answer.status == 403)
            }
            #expect(try await page.get("/account").status == 200)
        }
    }

    @Test func theAPIDoesNotReadTheCookieAndPagesDoNotReadKeys() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            #expect(try await page.get("/v1/users/me").status == 401)
            #expect(
                try await PageClient(baseURL: server.baseURL).get(
                    "/account", headers: [("x-api-key", account.apiKey)]
                ).header("Location") == "/sign-in?next=%2Faccount")
            #expect(try await account.client.get("/v1/users/me").status == 200)
        }
    }

    @Test(arguments: [
        ("192.168.1.5:9090", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost:1", 200),
        ("[::1]:80", 200),
    ])
    func pagesAnswerToTheirOwnNamesOnly(_ host: String, _ status: Int) async throws {
        try await withServer(["APP_URL": "https://sms.example.com"]) { server in
            let page = try await server.signedIn().page

            #expect(try await page.get("/account", headers: [("Host", host)]).status == status)
        }
    }

    @Test func overTLSTheCookieIsBoundToTheHost() async throws {
        try await withServer(["APP_URL": "https://sms.example.com"]) { server in
            let page = PageClient(baseURL: server.baseURL)

            let answer = try await page.get("/first-run", headers: [("Host", "sms.example.com")])

            let cookie = try #require(answer.header("Set-Cookie"))
            #expect(cookie.hasPrefix("__Host-httpsms-form="))
            #expect(cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Secure"))
        }
    }

    @Test(arguments: [
        ("/nope", true), ("/account/nope", true), ("/v1", false), ("/v1/nope", false), ("/health/nope", false),
        ("/metrics/nope", false),
    ])
    func whatIsNotThereIsAPageForBrowsersOnly(_ path: String, _ isPage: Bool) async throws {
        try await withServer { server in
            let page = try await server.signedIn().page

            let browser = try await page.get(path, headers: [("Accept", "text/html,*/*;q=0.8")])
            let program = try await page.get(path, headers: [("Accept", "application/json")])

            #expect(browser.status == 404 && program.status == 404)
            #expect(browser.text.contains("There is nothing at this address.") == isPage)
            #expect((browser.header("Content-Security-Policy") != nil) == isPage)
            #expect(program.text.contains("There is nothing at GET \(path)"))
        }
    }

    @Test func everyPageForbidsWhatItDoesNotNeed() async throws {
        try await withServer { server in
            let page = try await server.signedIn().page
            for path in ["/", "/account", "/sign-in", "/assets/0/nothing.css"] {
                let answer = try await page.get(path)
                #expect(answer.header("Content-Security-Policy")?.hasPrefix("default-src 'none'; ") == true)
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("Cache-Control") == "no-store")
                #expect(answer.header("Access-Control-Allow-Origin") == nil)
            }
        }
    }

    @Test func theOverviewCountsWhatIsThere() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let empty = try await page.get("/").text
            let phone = try await account.makePhone()
            _ = try await phone.receive(["from": "+18005550100", "content": "<b>Hi</b>"])
            try await account.makeWebhook("http://127.0.0.1:1/hook")
            _ = try await phone.report("SENT", account.send()["id"].string)
            _ = try await account.send()

            let text = try await page.get("/").text

            #expect(empty.contains("Connect a phone") && !text.contains("Connect a phone"))
            for name in ["SMS sent", "SMS received", "Phones", "Webhooks"] {
                #expect(text.contains("<dt>\(name)</dt><dd><span class=\"value\">1</span>"))
            }
            #expect(text.contains("of 2 accepted in the last 24 hours"))
            #expect(text.contains("<dt>Missed calls</dt><dd><span class=\"value\">0</span>"))
        }
    }
}
