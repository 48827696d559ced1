import HTTPSMSWebhooks
import Storage
import Synchronization
import Timestamps

/// The JWTs of webhooks: one for each webhook, version, URL and second, because the claims change once a second.
///
/// A token costs about 5 us; a delivery has some 80 us of a core in all.
package final class SigningTokens: Sendable {
    private struct Key: Hashable {
        let endpoint: EndpointID
        let version: Int64
        let isFallback: Bool
    }

    private struct State {
        var second: Int64 = 0
        var tokens: [Key: String] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// The value of the `Authorization` header for a delivery to `endpoint`; nil when it has no signing key.
    package func authorization(for endpoint: Endpoint, at now: Timestamp) -> String? {
        guard let signingKey = endpoint.tokenSigningKey(at: now) else { return nil }
        let key = Key(endpoint: endpoint.id, version: endpoint.version, isFallback: endpoint.route == .fallback)
        let second = now.seconds
        if let token = state.withLock({ $0.second == second ? $0.tokens[key] : nil }) { return token }
        let token = WebhookToken.sign(
            key: signingKey, subject: endpoint.userID.account.text, audience: endpoint.target, now: now)
        let value = "Bearer \(token)"
        state.withLock { state in
            if state.second != second { state = State(second: second) }
            state.tokens[key] = value
        }
        return value
    }
}
