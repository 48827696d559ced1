import Delivery
import Foundation
import Secrets
import Timestamps

/// Access tokens of an account (OAuth 2.0): one is kept and used until a minute before it expires, by the clock that nobody
/// can set.
actor AccessTokens {
    /// No token could be had.
    struct Refused: Error, CustomStringConvertible {
        let description: String
        /// Whether the account itself was refused, and not only this request.
        let isFinal: Bool
    }

    /// Makes the form that asks for a token now.
    typealias Form = @Sendable (_ now: Instants) async throws -> String

    private let form: Form
    private let clock: any WallClock
    private let sender: any WebhookSender
    private let url: CallbackURL
    private var kept: (token: String, until: ContinuousClock.Instant)?
    /// The request that runs: everybody who needs a token waits for the same one.
    private var pending: Task<(token: String, until: ContinuousClock.Instant), any Error>?

    /// - Parameters:
    ///   - tokenURI: Who gives them.
    ///   - clock: What they expire by.
    ///   - sender: Asks for them; it must reach what the operator names.
    ///   - form: What they are asked for with.
    /// - Throws: `CallbackURLError` when the token URI is not a URL.
    init(from tokenURI: String, clock: any WallClock, sender: any WebhookSender, form: @escaping Form) throws {
        (self.form, self.clock, self.sender) = (form, clock, sender)
        url = try CallbackURL(tokenURI)
    }

    /// A token that is good for a minute at least.
    ///
    /// - Throws: ``Refused``.
    func current() async throws -> String {
        if let kept, clock.instants().boot < kept.until { return kept.token }
        let task =
            pending
            ?? Task { [form, clock, sender, url] in
                try await Self.fetch(with: form, at: clock.instants(), from: url, by: sender)
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

    private struct Granted: Decodable {
        let accessToken: String
        let expiresIn: Int

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case expiresIn = "expires_in"
        }
    }

    private static func fetch(
        with form: Form, at now: Instants, from url: CallbackURL, by sender: any WebhookSender
    ) async throws -> (token: String, until: ContinuousClock.Instant) {
        let form = try await form(now)
        let result = await sender.send(
            WebhookRequest(
                poolKey: "token", url: url,
                headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")], body: Array(form.utf8),
                caller: .operated),
            within: .seconds(10))
        let status: Int
        switch result.outcome {
        case .failure(let failure):
            throw Refused(description: "\(url.text) cannot be reached: \(failure)", isFinal: false)
        case .response(let code): status = code
        }
        guard status == 200, let granted = try? JSONDecoder().decode(Granted.self, from: Data(result.responseBody))
        else {
            // The body names what is wrong with the account, and holds no secret when the request failed.
            let reason = String(decoding: result.responseBody.prefix(200), as: UTF8.self)
            throw Refused(
                description: "\(url.text) answered \(status): \(reason)",
                isFinal: [400, 401, 403].contains(status))
        }
        return (granted.accessToken, now.boot + .seconds(max(0, granted.expiresIn.clampedSubtracting(60))))
    }
}
