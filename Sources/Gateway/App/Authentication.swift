import Delivery
import HTTPTypes
import Hummingbird
import Storage
import Synchronization

/// Finds out who makes a request from `x-api-key`, or from `Authorization: Bearer <user key>`.
///
/// An unknown key is no error here: routes that need an identity answer 401 themselves. Keys are never read from the
/// query or the body, where they would end in logs (Q41).
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let identities: Identities

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        for key in [request.headers[.apiKey], Self.bearer(request)].compactMap(\.self) where context.identity == nil {
            context.identity = try await identities.identity(of: key)
        }
        return try await next(request, context)
    }

    /// The key in `Authorization: Bearer`; nil when there is none.
    static func bearer(_ request: Request) -> String? {
        guard let header = request.headers[.authorization], header.lowercased().hasPrefix("bearer ") else { return nil }
        let key = header.dropFirst(7).trimmed
        return key.hasPrefix(APIKey.phonePrefix) ? nil : key
    }
}

/// Who an API key stands for; known keys are remembered until a key or a binding changes.
final class Identities: Sendable {
    private struct State {
        var known: [[UInt8]: Identity] = [:]
        var generation = 0
    }

    private let state = Mutex(State())
    private let store: any Store

    init(store: any Store) {
        self.store = store
    }

    /// The identity of `key`; nil when it is unknown, which is never remembered.
    func identity(of key: String) async throws -> Identity? {
        guard !key.isEmpty, key.utf8.count <= 512 else { return nil }
        let hash = SHA256Digest.bytes(key)
        let (known, generation) = state.withLock { ($0.known[hash], $0.generation) }
        if let known { return known }
        let isPhoneKey = key.hasPrefix(APIKey.phonePrefix)
        let identity = try await store.read { tx in
            isPhoneKey
                ? try PhoneAPIKeyQueries.identity(keyHash: hash, in: tx)
                : try UserQueries.identity(keyHash: hash, in: tx)
        }
        state.withLock { state in
            // What was read before a change must not be remembered after it.
            guard let identity, state.generation == generation else { return }
            if state.known.count >= Self.bound { state.known = [:] }
            state.known[hash] = identity
        }
        return identity
    }

    /// Forgets every key once `tx` is durable; call it in each transaction that changes a key or what it may do.
    func forgetAll(after tx: any Transaction) {
        tx.afterCommit { [self] in
            state.withLock { state in
                state.known = [:]
                state.generation += 1
            }
        }
    }

    /// 10,000 keys are about 2 MB.
    private static let bound = 10_000
}

/// The text of API keys: a prefix and 64 URL-safe base64 characters, 48 random bytes (contract 1.3).
enum APIKey {
    static let userPrefix = "uk_"
    static let phonePrefix = "pk_"

    /// Draws a new key.
    static func random(prefix: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var generator = SystemRandomNumberGenerator()
        let characters = (0..<64).map { _ in alphabet[Int(generator.next() & 63)] }
        return prefix + String(decoding: characters, as: UTF8.self)
    }
}
