import Delivery
import Foundation
import JSON
import Secrets
import Timestamps
import Wire

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

    /// What grants a token (RFC 6749, 5.1).
    private struct Granted: Decodable {
        let accessToken: String
        /// How long it holds.
        let lifetime: Duration

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case expiresIn = "expires_in"
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: CodingKeys.self)
            accessToken = try members.decode(String.self, forKey: .accessToken)
            // It stands in a header.
            guard !accessToken.isEmpty, accessToken.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .accessToken, in: members, debugDescription: "it is no token")
            }
            // A number by the standard, which some write as a text; of another kind it says no more than a missing one.
            let number = try? members.decode(Double.self, forKey: .expiresIn)
            let seconds = number ?? (try? members.decode(String.self, forKey: .expiresIn)).flatMap { Double($0) }
            if let seconds, seconds.isFinite {
                lifetime = .seconds(min(max(seconds, 0), Self.longest))
            } else {
                lifetime = Self.unsaid
            }
        }

        /// A day, in seconds.
        private static let longest: Double = 86_400
        /// Five minutes where nothing is said: a token that ends before is refused, and the next one asked for.
        private static let unsaid: Duration = .seconds(300)
    }

    /// What says why there is no token (RFC 6749, 5.2).
    private struct Denied: Decodable {
        let error: String
        let description: String?

        enum CodingKeys: String, CodingKey {
            case error
            case description = "error_description"
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
        let body = Array(result.responseBody)
        guard status == 200 else {
            // Nothing but these two fields is repeated: who answers may hold a token, or send back what it was asked with.
            let denied = try? JSONDecoder().decode(Denied.self, fromAnswer: body)
            let words = denied.map { [$0.error, $0.description].compactMap(\.self).joined(separator: ", ") }
            throw Refused(
                description: "\(url.text) answered \(status)" + (words.map { ": \($0.firstScalars(200))" } ?? ""),
                isFinal: [400, 401, 403].contains(status))
        }
        guard let granted = try? JSONDecoder().decode(Granted.self, fromAnswer: body) else {
            throw Refused(description: "\(url.text) answered 200 with what is no token", isFinal: false)
        }
        return (granted.accessToken, now.boot + max(.zero, granted.lifetime - .seconds(60)))
    }
}
