import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Secrets
import Storage
import TestSupport
import Testing

@testable import Gateway

/// How long a session lasts, what ends it, and what ends with it.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SessionTests {
    @Test func aSessionThatIsUsedEveryWeekEndsAfterNinetyDays() async throws {
        try await withServer { server in
            let page = try await server.signedIn().page
            var last = try await page.get("/account")
            for _ in 0..<12 {
                server.advance(by: .seconds(7 * 86_400))
                last = try await page.get("/account")
            }
            #expect(last.status == 200)
            let age = last.header("Set-Cookie")?.firstMatch(of: /Max-Age=([0-9]+)/).flatMap { Int($0.1) }
            #expect((age ?? 0) > 5 * 86_400 && (age ?? 0) <= 6 * 86_400)

            server.advance(by: .seconds(6 * 86_400))

            #expect(try await page.get("/account").header("Location") == "/sign-in?next=%2Faccount")
        }
    }

    @Test(arguments: [1, 7])
    func aForeignCookieOfTheSameNameSignsNobodyOut(_ count: Int) async throws {
        try await withServer { server in
            let page = try await server.signedIn().page
            let junk = (0..<count).map { _ in "httpsms=\(RandomToken.make())" }
            let cookie = (junk + ["httpsms=\(page.cookies["httpsms"] ?? "")"]).joined(separator: "; ")

            let answer = try await PageClient(baseURL: server.baseURL).get("/account", headers: [("Cookie", cookie)])

            #expect(answer.status == 200)
        }
    }

    @Test func cookiesOfAnySizeAndNumberAreAnswered() async throws {
        try await withServer { server in
            let large = "httpsms=" + String(repeating: "a", count: 8_000)
            let many = (0..<1_000).map { "httpsms\($0)=\($0)" }.joined(separator: ";")
            let odd = "httpsms=;;;=; httpsms; httpsms-form=\\x; httpsms=\"\(RandomToken.make())\""

            for cookie in [large, many, odd] {
                let answer = try await PageClient(baseURL: server.baseURL).get(
                    "/sign-in", headers: [("Cookie", cookie)])
                #expect([200, 303].contains(answer.status))
            }
        }
    }

    /// Opens `/live` as the browser and gives the answer.
    private static func live(_ server: TestServer, _ page: PageClient) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: server.baseURL + "/live")
        request.headers.add(name: "Cookie", value: "httpsms=\(page.cookies["httpsms"] ?? "")")
        return try await HTTPClient.shared.execute(request, deadline: .now() + .seconds(40))
    }

    @Test(arguments: ["everywhere", "password", "erased", "other node"])
    func aPageIsToldNothingMoreOnceItsSessionIsOver(_ how: String) async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let response = try await Self.live(server, page)
            #expect(response.status == .ok)

            switch how {
            case "everywhere": _ = try await page.submit("/sign-out-everywhere", on: "/account", [])
            case "password":
                _ = try await page.submit(
                    "/account/password", on: "/account", [("current", "correct horse"), ("password", "battery staple")])
            case "erased": _ = try await account.client.delete("/v1/users/me")
            default: try await server.store.write { tx in _ = try tx.run("DELETE FROM session") }
            }

            // The body ends by itself, long before the deadline of the request.
            var text = ""
            for try await chunk in response.body { text += String(buffer: chunk) }
            #expect(text.hasPrefix(": open at "))
        }
    }

    @Test func openPagesTakeNoStreamOfTheAPI() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let http = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup)
            var request = HTTPClientRequest(url: server.baseURL + "/v1/events/stream")
            request.headers.add(name: "x-api-key", value: account.apiKey)
            var streams: [HTTPClientResponse] = []
            for _ in 0..<8 { streams.append(try await http.execute(request, deadline: .now() + .seconds(30))) }
            let second = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup)
            for _ in 0..<3 { streams.append(try await second.execute(request, deadline: .now() + .seconds(30))) }

            let live = try await Self.live(server, page)

            #expect(streams.map(\.status.code).sorted().suffix(2) == [200, 429])
            #expect(live.status == .ok)
            try await http.shutdown()
            try await second.shutdown()
            _ = try await page.submit("/sign-out-everywhere", on: "/account", [])
            for try await _ in live.body {}
        }
    }

    @Test func removingAnAccountThatIsNotThereLeavesNoTrace() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page

            _ = try await owner.submit(
                "/users/remove", on: "/users", [("user_id", "nobody"), ("current", "correct horse")])

            let rows = try await server.store.read { tx in try tx.rows("SELECT user_id FROM user_erasure").count }
            #expect(rows == 0)
        }
    }
}
