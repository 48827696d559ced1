import NIOPosix
import NIOSSL
import Synchronization

/// The TLS contexts of endpoints with a trust of their own, by their version; those that were not used for longest make room.
/// Thread-safe.
///
/// One that is looked for costs the same however many there are; one that is made looks at all others once, which is nothing
/// beside reading its certificates.
final class TrustContexts: Sendable {
    private struct Entry {
        let context: NIOSSLContext
        let size: Size
        /// The number of its last use.
        var lastUse: Int
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var uses = 0
        var made = 0
    }

    /// How much memory a context has.
    private enum Size {
        /// All authorities of the system, beside a certificate of the webhook's own: some MiB, and 20 ms to make.
        case large
        /// The authorities that the webhook names: ten certificates at most.
        case small

        var limit: Int {
            switch self {
            case .large: 64
            case .small: 512
            }
        }
    }

    private let state = Mutex(State())
    private let roots: SystemTrust

    init(roots: SystemTrust) {
        self.roots = roots
    }

    /// How many were made so far.
    var made: Int { state.withLock { $0.made } }

    /// The context for `trust`, which `key` tells from all others; made on a thread that may block.
    func context(of trust: EndpointTrust, key: String) async throws -> NIOSSLContext {
        if let known = state.withLock({ Self.use(key, &$0) }) { return known }
        let made = try await NIOThreadPool.singleton.runIfActive { [roots] in try trust.context(roots: roots) }
        let size: Size = trust.authorities == nil ? .large : .small
        state.withLock { state in
            state.made += 1
            state.uses += 1
            state.entries[key] = Entry(context: made, size: size, lastUse: state.uses)
            let alike = state.entries.filter { $0.value.size == size }
            guard alike.count > size.limit, let oldest = alike.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
                return
            }
            state.entries[oldest.key] = nil
        }
        return made
    }

    private static func use(_ key: String, _ state: inout State) -> NIOSSLContext? {
        guard let entry = state.entries[key] else { return nil }
        state.uses += 1
        state.entries[key]?.lastUse = state.uses
        return entry.context
    }
}
