import AsyncHTTPClient
import Delivery
import Foundation
import JWTKit
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Secrets
import Timestamps
import Wire

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
    private let http: OutgoingHTTP
    private let keys = JWTKeyCollection()
    private var kept: (token: String, until: ContinuousClock.Instant)?
    /// The request that runs: everybody who needs a token waits for the same one.
    private var pending: Task<(token: String, until: ContinuousClock.Instant), any Error>?

    /// - Throws: When the account's key is not an RSA key.
    init(account: ServiceAccount, clock: any WallClock, http: OutgoingHTTP = .shared) async throws {
        self.account = account
        self.clock = clock
        self.http = http
        await keys.add(
            rsa: try Insecure.RSA.PrivateKey(pem: account.privateKey.exposed), digestAlgorithm: .sha256)
    }

    /// A token that is good for a minute at least.
    ///
    /// - Throws: ``Refused``, and what the transport throws.
    func current() async throws -> String {
        if let kept, clock.instants().boot < kept.until { return kept.token }
        let task =
            pending
            ?? Task { [account, keys, clock, http] in
                try await Self.fetch(for: account, keys: keys, at: clock.instants(), over: http)
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
        for account: ServiceAccount, keys: JWTKeyCollection, at now: Instants, over http: OutgoingHTTP
    ) async throws -> (token: String, until: ContinuousClock.Instant) {
        let seconds = now.wall.microseconds / 1_000_000
        let assertion = try await keys.sign(
            Assertion(
                iss: account.clientEmail, scope: "https://www.googleapis.com/auth/firebase.messaging",
                aud: account.tokenURI, iat: seconds, exp: seconds + 3_600))
        var request = HTTPClientRequest(url: account.tokenURI)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        // A JWT needs no escaping in a form.
        request.body = .bytes(
            ByteBuffer(
                string: "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=\(assertion)"))
        let response = try await http.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 16)
        guard response.status == .ok, let granted = try? JSONDecoder().decode(Granted.self, from: Data(buffer: body))
        else {
            // The body names what is wrong with the account, and holds no secret when the request failed.
            let reason = String(buffer: body).prefix(200)
            throw Refused(
                description: "\(account.tokenURI) answered \(response.status.code): \(reason)",
                isFinal: [400, 401, 403].contains(response.status.code))
        }
        return (granted.accessToken, now.boot + .seconds(max(0, granted.expiresIn.clampedSubtracting(60))))
    }
}
