import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// The list that leads from a new account to the first SMS.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct FirstStepsTests {
    @Test(
        arguments: [
            (0, 0, false, false, false, 1), (0, 0, false, false, true, 2), (1, 0, false, false, false, 1),
            (1, 0, true, false, false, 2), (1, 1, true, false, false, 3), (0, 0, false, true, false, 3),
            (1, 1, true, false, true, 4),
        ] as [(Int64, Int64, Bool, Bool, Bool, Int)])
    func stepsAreCounted(
        phones: Int64, webhooks: Int64, isHeard: Bool, hasSMS: Bool, isServedOverTLS: Bool, done: Int
    ) {
        let facts = FirstSteps.Facts(phones: phones, webhooks: webhooks, isHeard: isHeard, hasSMS: hasSMS)

        #expect(FirstSteps(facts, isServedOverTLS: isServedOverTLS)?.done == done)
    }

    @Test func nothingIsShownWhenAllIsDone() {
        let facts = FirstSteps.Facts(phones: 1, webhooks: 1, isHeard: true, hasSMS: true)

        #expect(FirstSteps(facts, isServedOverTLS: false) == nil)
    }

    @Test(arguments: Engine.enabled) func theListGoesAsStepsAreMade(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let page = PageClient(baseURL: server.baseURL)
            _ = try await page.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", account.email), ("api_key", account.apiKey), ("password", "correct horse")])
            func steps() async throws -> String {
                let text = try await page.get("/").text
                return text.firstMatch(of: /First steps: ([0-9] of [0-9]) done/).map { String($0.1) } ?? "none"
            }
            #expect(try await steps() == "1 of 5")
            let phone = try await account.makePhone()
            #expect(try await page.get("/").text.contains("The phone was added, but the server has not heard from it"))
            _ = try await phone.receive(["from": "+18005550101", "content": "Hello"])
            #expect(try await steps() == "3 of 5")
            try await account.makeWebhook("http://127.0.0.1:1/hook")
            #expect(try await steps() == "none")
        }
    }
}
