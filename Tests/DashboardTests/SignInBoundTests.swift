import Delivery
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// How often somebody may try to sign in, and that nobody who guesses keeps others out.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SignInBoundTests {
    private static let email = "owner@example.com"

    /// Runs a server that believes `X-Forwarded-For`, with an account whose password is `correct horse`, and hands over a
    /// browser that signed in to it.
    private static func withOwner(
        _ body: @escaping @Sendable (TestServer, PageClient) async throws -> Void
    ) async throws {
        try await withServer(["TRUSTED_PROXIES": "127.0.0.1"]) { server in
            let account = try await server.makeAccount(email: email)
            let page = PageClient(baseURL: server.baseURL)
            let answer = try await page.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", email), ("api_key", account.apiKey), ("password", "correct horse")])
            try #require(answer.status == 303)
            try await body(server, page)
        }
    }

    /// One attempt from `client`. At `/first-sign-in` a password that is too short costs nothing.
    private static func attempt(
        _ page: PageClient, from client: String, _ path: String = "/sign-in", email: String = email,
        _ password: String = "correct horse"
    ) async throws -> APIClient.Answer {
        let token = try await page.formToken(of: "/first-sign-in")
        return try await page.post(
            path, [("form_token", token), ("email", email), ("password", password)],
            headers: [("Sec-Fetch-Site", "same-origin"), ("X-Forwarded-For", client)])
    }

    private static func count(_ bound: SignInBound, _ server: TestServer) async throws -> Int64 {
        try await server.store.read { tx in
            try tx.value("SELECT attempts AS value FROM sign_in_attempt WHERE subject = \(bound.digest)") ?? 0
        }
    }

    @Test func whatOneNetworkIsRefusedDoesNotCountForTheAccount() async throws {
        try await Self.withOwner { server, _ in
            let stranger = PageClient(baseURL: server.baseURL)
            for _ in 0..<230 {
                _ = try await Self.attempt(stranger, from: "203.0.113.7", "/first-sign-in", "short")
            }

            let refused = try await Self.attempt(stranger, from: "203.0.113.7")
            let elsewhere = try await Self.attempt(PageClient(baseURL: server.baseURL), from: "198.51.100.1")

            #expect(refused.text.contains("There were too many attempts"))
            #expect(elsewhere.status == 303)
        }
    }

    @Test func aBrowserThatSignedInBeforePassesTheBoundOfTheAccount() async throws {
        try await Self.withOwner { server, known in
            _ = try await known.submit("/sign-out", on: "/account", [])
            try await server.store.write { tx in
                for _ in 0..<200 { _ = try AccessQueries.countAttempt(.email(Self.email), in: tx) }
            }

            let stranger = try await Self.attempt(PageClient(baseURL: server.baseURL), from: "198.51.100.1")
            let owner = try await Self.attempt(known, from: "198.51.100.2")

            #expect(stranger.text.contains("There were too many attempts"))
            #expect(owner.status == 303)
        }
    }

    @Test func aBrowserThatSignedInBeforeHasABoundOfItsOwn() async throws {
        try await Self.withOwner { server, known in
            _ = try await known.submit("/sign-out", on: "/account", [])
            for index in 0..<10 {
                _ = try await Self.attempt(known, from: "198.51.100.\(index)", "/first-sign-in", "short")
            }

            let refused = try await Self.attempt(known, from: "198.51.100.99")
            server.advance(by: .seconds(901))
            let later = try await Self.attempt(known, from: "198.51.100.99")

            #expect(refused.text.contains("There were too many attempts"))
            #expect(try await Self.count(.email(Self.email), server) == 0)
            #expect(later.status == 303)
        }
    }

    @Test(arguments: ["everywhere", "password", "other account"])
    func aBrowserIsForgottenWithItsSessions(_ how: String) async throws {
        try await Self.withOwner { server, known in
            let device = "httpsms-device=\(known.cookies["httpsms-device"] ?? "")"
            var email = Self.email
            switch how {
            case "everywhere": _ = try await known.submit("/sign-out-everywhere", on: "/account", [])
            case "password":
                _ = try await known.submit(
                    "/account/password", on: "/account", [("current", "correct horse"), ("password", "battery staple")])
            default: email = "somebody@example.com"
            }
            let limited = email
            try await server.store.write { tx in
                for _ in 0..<200 { _ = try AccessQueries.countAttempt(.email(limited), in: tx) }
            }

            let page = PageClient(baseURL: server.baseURL)
            let token = try await page.formToken(of: "/first-sign-in")
            let answer = try await page.post(
                "/sign-in", [("form_token", token), ("email", email), ("password", "battery staple")],
                headers: [
                    ("Sec-Fetch-Site", "same-origin"), ("X-Forwarded-For", "198.51.100.1"), ("Cookie", device),
                ])

            #expect(answer.text.contains("There were too many attempts"))
        }
    }

    @Test func requestsThatCostNothingDoNotCloseTheDoorWithPasswords() async throws {
        try await Self.withOwner { server, _ in
            try await server.store.write { tx in
                for door in [SignInBound.Door.firstSignIn, .token] {
                    for _ in 0..<60 { _ = try AccessQueries.countAttempt(.network("198.51.100.1", at: door), in: tx) }
                }
            }

            let other = PageClient(baseURL: server.baseURL)
            #expect(try await Self.attempt(other, from: "198.51.100.1", "/first-sign-in").status == 422)
            #expect(try await Self.attempt(other, from: "198.51.100.1").status == 303)
        }
    }

    @Test(arguments: [86_400, 850, 60])
    func aCountFromBeforeTheClockWasSetBackLocksNobodyOutForLong(_ step: Int) async throws {
        try await Self.withOwner { server, _ in
            let bound = SignInBound.pair(Self.email, "198.51.100.1")
            try await server.store.write { tx in
                while try AccessQueries.countAttempt(bound, in: tx) != nil {}
                try tx.run(
                    "UPDATE sign_in_attempt SET started_at = \(tx.now + .seconds(step)) WHERE subject = \(bound.digest)"
                )
            }

            server.advance(by: .seconds(1_801))

            let answer = try await Self.attempt(PageClient(baseURL: server.baseURL), from: "198.51.100.1")
            #expect(answer.status == 303)
        }
    }

    @Test func countsAreBounded() async throws {
        try await withServer { server in
            for start in stride(from: 0, to: 50_200, by: 502) {
                try await server.store.write { tx in
                    for index in start..<start + 502 {
                        let subject = SHA256Digest.bytes("\(index)")
                        try tx.run(
                            "INSERT INTO sign_in_attempt (subject, started_at, attempts) VALUES (\(subject), \(tx.now), 1)"
                        )
                    }
                }
            }
            try await server.store.write { tx in try AccessQueries.forgetOldest(in: tx) }

            let rest: Int64? = try await server.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM sign_in_attempt")
            }
            #expect(rest == 50_000)
        }
    }

    @Test(arguments: [
        ("1111111111", false), ("AAAAaaaaAAAA", false), ("owner@example.com", false), ("OWNER@example.com ", false),
        ("Password123", false), ("1234567890", false), ("correct horse", true), ("a1a1a1a1a1", true),
    ])
    func passwordsThatAnybodyTriesFirstAreRefused(_ password: String, _ isTaken: Bool) {
        #expect((Passwords.problem(with: password, email: Self.email) == nil) == isTaken)
    }

    @Test(arguments: [String(repeating: "e", count: 60_000), "\u{0}", "İ@ſ.K", "a@b\r\nSet-Cookie: x=y", ""])
    func anyAddressIsRefusedAlike(_ email: String) async throws {
        try await Self.withOwner { server, _ in
            let answer = try await Self.attempt(
                PageClient(baseURL: server.baseURL), from: "198.51.100.1", email: email, "wrong horse")

            #expect(answer.status == 422)
            #expect(answer.text.contains("The e-mail address or the password is wrong."))
        }
    }
}
