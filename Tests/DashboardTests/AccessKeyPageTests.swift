import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Keys of programs, over HTTP.
@Suite(.timeLimit(.minutes(15))) struct AccessKeyPageTests {
    private static let path = "/account/keys"

    private static func fields(_ more: [(String, String)] = []) -> [(String, String)] {
        [("name", "Reports"), ("days", "30"), ("current", TestServer.password)] + more
    }

    /// The key that a page shows once.
    private static func key(_ page: APIClient.Answer) throws -> String {
        try #require(page.text.firstMatch(of: /<pre id="api-key">(ak_[^<]+)</)).1.description
    }

    @Test func aKeyIsMadeUsedAndDeleted() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            #expect(try await page.get(Self.path).text.contains("No key yet"))

            let made = try await page.submit(
                Self.path, on: Self.path, Self.fields([("scopes", "messages:read"), ("scopes", "messages:send")]))
            let client = APIClient(baseURL: server.baseURL, apiKey: try Self.key(made))
            #expect(made.status == 200 && !made.text.contains("<svg class=\"code\""))
            #expect(try await client.get("/v1/messages/search").status == 200)
            #expect(try await client.get("/v1/contacts").status == 403)

            let list = try await page.get(Self.path)
            #expect(list.text.contains("<li>read SMS and conversations</li>\n<li>send SMS</li>"))
            #expect(list.text.contains("Ends ") && !list.text.contains("ak_"))
            let keys = try await account.client.get("/v1/access-keys").data.array
            let end = try #require(keys.first?["expires_at"].string)
            let days = try #require(Timestamp(rfc3339: end)) - server.clock.now()
            #expect(keys.count == 1 && days > .seconds(29 * 86_400) && days <= .seconds(30 * 86_400))
            let entries = try await account.client.get("/v1/audit-log").data.array
            #expect(entries.first?["action"] == "access_key.created")

            let delete = "\(Self.path)/\(keys[0]["id"].string)/delete"
            #expect(try await page.submit(delete, on: Self.path, []).status == 303)
            #expect(try await client.get("/v1/messages/search").status == 401)
            #expect(try await page.submit(delete, on: Self.path, []).status == 404)
        }
    }

    @Test func whatIsMissingIsSaidAndWhatWasChosenStays() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            let none = try await page.submit(Self.path, on: Self.path, Self.fields())
            #expect(none.status == 422 && none.text.contains("Choose at least one thing that it may do."))
            #expect(none.text.contains("value=\"Reports\"") && none.text.contains("value=\"30\" selected"))
            let nameless = try await page.submit(
                Self.path, on: Self.path,
                [("name", " "), ("current", TestServer.password), ("scopes", "contacts:manage")])
            #expect(nameless.status == 422 && nameless.text.contains("Enter a name."))
            #expect(nameless.text.contains("value=\"contacts:manage\" checked"))
            let invented = try await page.submit(
                Self.path, on: Self.path, Self.fields([("scopes", "everything")]))
            #expect(invented.status == 422)
            let endless = try await page.submit(
                Self.path, on: Self.path,
                [("name", "A"), ("days", "9999999999999"), ("current", TestServer.password)])
            #expect(endless.status == 404)
            let wrong = try await page.submit(
                Self.path, on: Self.path,
                [("name", "A"), ("current", "not this one"), ("scopes", "contacts:manage")])
            #expect(wrong.status == 401 && wrong.text.contains("role=\"alert\""))
            #expect(try await account.client.get("/v1/access-keys").data.array == [])
        }
    }

    @Test func aStrangersKeyIsNotThere() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let key = try await account.client.post(
                "/v1/access-keys", ["name": "<b>Mine</b>", "scopes": ["events:read"]]
            ).data
            let stranger = try await server.signedIn().page

            let delete = "\(Self.path)/\(key["id"].string)/delete"
            #expect(try await stranger.submit(delete, on: Self.path, []).status == 404)
            #expect(try await stranger.submit("\(Self.path)/none/delete", on: Self.path, []).status == 404)
            #expect(try await !stranger.get(Self.path).text.contains("Mine"))
            let own = try await server.signedIn(account).get(Self.path).text
            #expect(own.contains("&lt;b&gt;Mine&lt;/b&gt;") && own.contains("Never ends, never used"))
        }
    }
}
