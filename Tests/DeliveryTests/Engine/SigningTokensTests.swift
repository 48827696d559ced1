import HTTPSMSWebhooks
import Secrets
import Storage
import Testing
import Timestamps

@testable import Delivery

struct SigningTokensTests {
    private static let start = Timestamp(microseconds: 1_784_715_329_000_000)

    private func endpoint(
        _ id: String = "0198c2f0-0000-7000-8000-000000000001", key: String? = "a key", version: Int64 = 1
    ) -> Endpoint {
        Endpoint(
            id: EndpointID(trusted: id), userID: UserID("user-1"), url: "https://receiver.example/hook",
            signingKey: key.map { Secret($0) }, eventTypes: [.messageSent], owners: ["+18005550199"],
            version: version, createdAt: Self.start, updatedAt: Self.start)
    }

    @Test func itIsTheTokenOfTheEndpoint() {
        let authorization = SigningTokens().authorization(for: endpoint(), at: Self.start)

        let token = WebhookToken.sign(
            key: "a key", subject: "user-1", audience: "https://receiver.example/hook", now: Self.start)
        #expect(authorization == "Bearer \(token)")
    }

    @Test func withoutAKeyThereIsNone() {
        #expect(SigningTokens().authorization(for: endpoint(key: nil), at: Self.start) == nil)
    }

    @Test func itIsMadeOnceASecond() {
        let tokens = SigningTokens()

        // The key is not part of what is compared, so a second signature under another key would show.
        let first = tokens.authorization(for: endpoint(key: "a key"), at: Self.start)
        let second = tokens.authorization(for: endpoint(key: "never used"), at: Self.start + .microseconds(999_999))

        #expect(first == second)
    }

    @Test func anotherSecondVersionOrEndpointHasAnother() {
        let tokens = SigningTokens()

        let authorizations: Set = [
            tokens.authorization(for: endpoint(key: "1"), at: Self.start),
            tokens.authorization(for: endpoint(key: "2", version: 2), at: Self.start),
            tokens.authorization(for: endpoint("0198c2f0-0000-7000-8000-000000000002", key: "3"), at: Self.start),
            tokens.authorization(for: endpoint(key: "1"), at: Self.start + .seconds(1)),
        ]

        #expect(authorizations.count == 4)
    }

    @Test func theClockMayBeSetBack() {
        let tokens = SigningTokens()
        _ = tokens.authorization(for: endpoint(), at: Self.start)

        let earlier = tokens.authorization(for: endpoint(), at: Self.start - .seconds(3_600))

        let token = WebhookToken.sign(
            key: "a key", subject: "user-1", audience: "https://receiver.example/hook",
            now: Self.start - .seconds(3_600))
        #expect(earlier == "Bearer \(token)")
    }
}
