import Delivery
import Foundation
import JWTKit
import Secrets
import Timestamps

/// Access tokens of a service account (OAuth 2.0, RFC 7523): one is kept and used until a minute before it expires, by the
/// clock that nobody can set.
actor AccessTokens {
    /// No token could be had.
    struct Refused: Error, CustomStringConvertible {
        let description: String
        /// Whether the account itself was refused, and not only this request.
        let isFinal: Bool
    }

    private let account: ServiceAccount
    private let clock: any WallClock
    private let sender: any WebhookSender
    private let url: CallbackURL
    private let keys = JWTKeyCollection()
    private var kept: (token: String, until: ContinuousClock.Instant)?
    /// The request that runs: everybody who needs a token waits for the same one.
    private var pending: Task<(token: String, until: ContinuousClock.Instant), any Error>?

    /// - Throws: When the account's key is not an RSA key, or its token URI not a URL.
    init(account: ServiceAccount, clock: any WallClock, sender: any WebhookSender) async throws {
        self.account = account
        self.clock = clock
        self.sender = sender
        url = try CallbackURL(account.tokenURI)
        await keys.add(
            rsa: try Insecure.RSA.PrivateKey(pem: account.privateKey.exposed), digestAlgorithm: .sha256)
    }

    /// A token that is good for a minute at least.
    ///
    /// - Throws: ``Refused``.
    func current() async throws -> String {
        if let kept, clock.instants().boot < kept.until { return kept.token }
        let task =
            pending
            ?? Task { [account, keys, clock, sender, url] in
                try await Self.fetch(for: account, keys: keys, at: clock.instants(), from: url, by: sender)
            }
        pending = task
        defer { pending = nil }
        let fetched = try await task.value
        kept = fetched
        return fetched.token
    }

    /// Has the next call ask for a new token: the present one was refused.
    func forget() {
        kept = nil
    }

    private struct Assertion: JWTPayload {
        let iss: String
        let scope: String
        let aud: String
        let iat: Int64
        let exp: Int64

        /// We only sign.
        func verify(using algorithm: some JWTAlgorithm) {}
    }

    private struct Granted: Decodable {
        let accessToken: String
        let expiresIn: Int

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case expiresIn = "expires_in"
        }
    }

    private static func fetch(
        for account: ServiceAccount, keys: JWTKeyCollection, at now: Instants, from url: CallbackURL,
        by sender: any WebhookSender
    ) async throws -> (token: String, until: ContinuousClock.Instant) {
        let seconds = now.wall.microseconds / 1_000_000
        let assertion = try await keys.sign(
            Assertion(
                iss: account.clientEmail, scope: "https://www.googleapis.com/auth/firebase.messaging",
                aud: account.tokenURI, iat: seconds, exp: seconds + 3_600))
        // A JWT needs no escaping in a form.
        let form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=\(assertion)"
        let result = await sender.send(
            WebhookRequest(
                poolKey: "token", url: url,
                headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")], body: Array(form.utf8),
                caller: .operated),
            within: .seconds(10))
        let status: Int
        switch result.outcome {
        case .failure(let failure):
            throw Refused(description: "\(account.tokenURI) cannot be reached: \(failure)", isFinal: false)
        case .response(let code): status = code
        }
        guard status == 200, let granted = try? JSONDecoder().decode(Granted.self, from: Data(result.responseBody))
        else {
            // The body names what is wrong with the account, and holds no secret when the request failed.
            let reason = String(decoding: result.responseBody.prefix(200), as: UTF8.self)
            throw Refused(
                description: "\(account.tokenURI) answered \(status): \(reason)",
                isFinal: [400, 401, 403].contains(status))
        }
        return (granted.accessToken, now.boot + .seconds(max(0, granted.expiresIn.clampedSubtracting(60))))
    }
}
