import Foundation
import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// The account: its key, its sessions, and the colours of the pages.
@Suite(.timeLimit(.minutes(15))) struct AccountPageTests {
    @Test func theKeyIsShownAfterThePasswordOnly() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            let masked = try await page.get("/account")
            let wrong = try await page.submit("/account/api-key", on: "/account", [("current", "wrong horse")])
            let right = try await page.submit("/account/api-key", on: "/account", [("current", "correct horse")])

            #expect(masked.text.contains("<code>uk_…\(account.apiKey.suffix(4))</code>"))
            #expect(wrong.status == 422 && wrong.text.contains("The current password is wrong."))
            #expect(!masked.text.contains(account.apiKey) && !wrong.text.contains(account.apiKey))
            #expect(right.text.contains("<pre id=\"api-key\">\(account.apiKey)</pre>"))
            #expect(right.header("Cache-Control") == "no-store")
            #expect(right.text.contains("d=\"\(try #require(QRCode(account.apiKey)).path)\""))
        }
    }

    @Test func aReplacedKeyWorksAndTheOldOneDoesNot() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            let wrong = try await page.submit("/account/api-key/rotate", on: "/account", [("current", "wrong horse")])
            #expect(wrong.status == 422)
            #expect(try await account.client.get("/v1/users/me").status == 200)
            let right = try await page.submit("/account/api-key/rotate", on: "/account", [("current", "correct horse")])

            let key = try #require(right.text.firstMatch(of: /<pre id="api-key">(uk_[\w-]+)</)).1
            #expect(try await account.client.get("/v1/users/me").status == 401)
            #expect(try await server.client(key: String(key)).get("/v1/users/me").status == 200)
        }
    }

    @Test func oneSessionIsEndedAndNobodyElses() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let other = PageClient(baseURL: server.baseURL)
            let token = try await other.formToken(of: "/sign-in")
            _ = try await other.post(
                "/sign-in", [("form_token", token), ("email", account.email), ("password", "correct horse")],
                headers: [
                    ("Sec-Fetch-Site", "same-origin"),
                    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
                ])
            let stranger = try await server.signedIn().page

            let list = try await page.get("/account").text
            let paths = list.matches(of: /"(\/account\/sessions\/[0-9a-f]{64}\/end)"/).map { String($0.1) }
            let own = try await other.get("/account").text
            let path = try #require(
                own.firstMatch(of: /(?s)this browser.*?"(\/account\/sessions\/[0-9a-f]{64}\/end)"/).map { String($0.1) }
            )

            #expect(list.contains("Firefox on Linux") && list.contains("From 127.0.0.1"))
            #expect(paths.count == 2 && paths.contains(path))
            #expect(try await stranger.submit(path, on: "/account", []).status == 404)
            #expect(try await page.submit(path, on: "/account", []).status == 303)
            #expect(try await other.get("/account").status == 303)
            #expect(try await page.get("/account").status == 200)
        }
    }

    @Test func theThemeIsKeptAndTheBrowserIsLedBackToItsPageOnly() async throws {
        try await withServer { server in
            let page = try await server.signedIn().page
            func choose(_ theme: String, from referrer: String) async throws -> APIClient.Answer {
                let token = try await page.formToken(of: "/account")
                return try await page.post(
                    "/theme", [("form_token", token), ("theme", theme)],
                    headers: [("Sec-Fetch-Site", "same-origin"), ("Referer", referrer)])
            }

            let dark = try await choose("dark", from: "\(server.baseURL)/events?type=a")
            let text = try await page.get("/account").text
            let foreign = try await choose("light", from: "https://a.example//evil.example")
            let unknown = try await choose("pink", from: server.baseURL)

            #expect(dark.header("Location") == "/events?type=a")
            #expect(text.contains("<html lang=\"en\" data-theme=\"dark\">"))
            #expect(foreign.header("Location") == "/")
            #expect(unknown.status == 404)
        }
    }

    @Test(arguments: [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows"
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android"
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on an iPhone"
        ),
        ("curl/8.0", "curl"), ("", "A browser"), ("<script>", "A browser"),
    ])
    func aBrowserIsNamed(_ agent: String, _ name: String) {
        #expect(Visitor.name(of: agent) == name)
    }

    @Test func aCodeHoldsAKeyAndNoBook() throws {
        let code = try #require(QRCode("uk_" + String(repeating: "a", count: 64)))

        // 67 bytes at level M fit version 5: 37 modules, and 4 on each side.
        #expect(code.size == 45)
        #expect(code.path.hasPrefix("M4 4h7v1h-7z"))
        #expect(QRCode("") == nil && QRCode(String(repeating: "a", count: 4_000)) == nil)
    }
}
