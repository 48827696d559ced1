import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Server
import Storage
import TestSupport
import Testing

@testable import Gateway

/// How many pages of a team are told at once when something happens.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct TeamStreamTests {
    /// The cookies of `count` members that the only account has from now on.
    private static func members(_ count: Int, _ server: TestServer) async throws -> [String] {
        try await server.store.write { tx in
            let account: UserID = try #require(try tx.value("SELECT id AS value FROM users"))
            return try (0..<count).map { number in
                let member = TeamMember(
                    id: UserID("member-\(number)"), account: account, email: "\(number)@example.com", role: .reader,
                    createdAt: tx.now)
                _ = try TeamQueries.insert(member, in: tx)
                let session = Sessions.Fresh(
                    visitor: Visitor(network: "127.0.0.1", address: "127.0.0.1", agent: "test"))
                try session.insert(for: Person(member), in: tx)
                return session.token
            }
        }
    }

    /// The shared one opens no more than eight connections to a host.
    private static func client() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 200
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    /// Opens a page's stream, and leaves it open.
    private static func open(
        _ cookie: String?, _ server: TestServer, _ http: HTTPClient
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: server.baseURL + "/live")
        request.headers.add(name: "Cookie", value: "httpsms=\(cookie ?? "")")
        return try await http.execute(request, deadline: .now() + .seconds(120))
    }

    @Test func pagesOfOneMemberTakeNoPlaceOfTheOthersAndAnAccountHasAHundred() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page
            let members = try await Self.members(10, server)
            let http = Self.client()
            // Kept, as a stream ends with its response.
            var answers: [HTTPClientResponse] = []

            for _ in 0..<11 { answers.append(try await Self.open(members[0], server, http)) }
            let ofOne = answers.map(\.status.code)
            let own = try await Self.open(owner.cookies["httpsms"], server, http)
            // 11 are open: 89 more is what the account may have.
            for member in members.dropFirst() {
                for _ in 0..<10 { answers.append(try await Self.open(member, server, http)) }
            }
            let ofOthers = answers.dropFirst(11).map(\.status.code)

            #expect(ofOne == Array(repeating: 200, count: 10) + [429])
            #expect(own.status == .ok)
            #expect(ofOthers == Array(repeating: 200, count: 89) + [429])
            try await http.shutdown()
        }
    }

    @Test func aPageWithoutAStreamLooksByItself() async throws {
        try await withServer { server in
            try await withBrowser(.desktopLight) { browser in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let http = Self.client()
                let session = try await server.gateway.users.cookie(of: UserID(account.id)).dropFirst("httpsms=".count)
                var answers: [HTTPClientResponse] = []
                for _ in 0..<10 { answers.append(try await Self.open(String(session), server, http)) }
                #expect(answers.map(\.status.code) == Array(repeating: 200, count: 10))
                try await browser.signIn(account, on: server)
                try await browser.open(server.baseURL + "/events")
                try await browser.run("window.isTheSamePage = true")
                try await until("the page was refused its stream") {
                    try await browser.run("return live.isRefused()") == true
                }

                _ = try await phone.receive(["from": "+18005550101", "content": "Hello"])

                try await until("the page shows the event") {
                    try await browser.run("return document.querySelector('[data-live]').textContent").string
                        .contains("+18005550101")
                }
                #expect(try await browser.run("return window.isTheSamePage") == true)
                #expect(answers.count == 10)
                try await http.shutdown()
            }
        }
    }
}
