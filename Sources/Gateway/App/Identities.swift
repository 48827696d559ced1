import Delivery
import Secrets
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// Who an API key stands for; known keys are remembered until a key or a binding changes.
///
/// A change made by another process (another node, or `httpsms user` beside a server) is noticed within half a second: each
/// raises a number in the store, which is looked at that often.
package final class Identities: Service {
    private struct State {
        var known: [[UInt8]: Identity] = [:]
        var generation = 0
    }

    private let state = Mutex(State())
    private let store: any Store
    /// Told of every phone key that makes a request; nil where no requests are taken.
    private let uses: PhoneKeyUses?
    /// The same for access keys, whose time may be over.
    private let accessKeys: AccessKeyUses?

    /// Asks `store`; `uses` and `accessKeys` note when each key was used, nil where no requests are taken.
    package init(store: any Store, uses: PhoneKeyUses? = nil, accessKeys: AccessKeyUses? = nil) {
        self.store = store
        self.uses = uses
        self.accessKeys = accessKeys
    }

    /// The identity of `key`, which makes a request now; nil when it is unknown, which is never remembered, or expired.
    func identity(of key: String) async throws -> Identity? {
        let identity = try await look(for: key)
        switch identity {
        case .phone(_, let id, _): uses?.note(id)
        case .key(_, let grant): return accessKeys?.note(grant) == true ? identity : nil
        case .user, nil: break
        }
        return identity
    }

    private func look(for key: String) async throws -> Identity? {
        guard !key.isEmpty, key.utf8.count <= 512 else { return nil }
        let hash = SHA256Digest.bytes(key)
        let (known, generation) = state.withLock { ($0.known[hash], $0.generation) }
        if let known { return known }
        let isPhoneKey = key.hasPrefix(APIKey.phonePrefix)
        let identity = try await store.read { tx in
            if isPhoneKey { return try PhoneAPIKeyQueries.identity(keyHash: hash, in: tx) }
            // An account may have chosen any key that is no phone's.
            return try UserQueries.identity(keyHash: hash, in: tx) ?? AccessKeyQueries.identity(keyHash: hash, in: tx)
        }
        state.withLock { state in
            // What was read before a change must not be remembered after it.
            guard let identity, state.generation == generation else { return }
            if state.known.count >= Self.bound { state.known = [:] }
            state.known[hash] = identity
        }
        return identity
    }

    /// Forgets every key, on every node, once `tx` is durable; call it in each transaction that changes a key or what it
    /// may do.
    func forgetAll(in tx: any Transaction) throws {
        try IdentityEpochQueries.advance(in: tx)
        tx.afterCommit { [self] in forgetAll() }
    }

    /// Forgets every key when another process changed one, until graceful shutdown.
    package func run() async throws {
        await periodically(every: Self.interval, by: SystemClock(), from: Int64?.none) { [self] seen in
            // What cannot be read now is read at the next look; nothing can be changed meanwhile either.
            let epoch = try? await store.read { tx in try IdentityEpochQueries.current(in: tx) }
            if let epoch, epoch != seen {
                seen = epoch
                forgetAll()
            }
        }
    }

    private func forgetAll() {
        state.withLock { state in
            state.known = [:]
            state.generation += 1
        }
    }

    /// A rotated key stops working everywhere within a second.
    private static let interval: Duration = .milliseconds(500)

    /// 10,000 keys are about 2 MB.
    private static let bound = 10_000
}
