import Delivery
import Logging
import Storage
import Synchronization
import Timestamps

/// Notes who sends `X-Forwarded-For` or `Forwarded` without being in TRUSTED_PROXIES: most likely the operator's own proxy,
/// behind which all visitors count as one address until it is listed.
///
/// Each network is logged once and stored for `httpsms doctor`. Anybody can send these fields, so that only the first
/// networks count; see ``bound``.
package final class UnlistedProxies: Sendable {
    private let store: any Store
    private let seen = Mutex<Set<String>>([])

    init(store: any Store) {
        self.store = store
    }

    /// Notes `peer`, which is not trusted and forwards requests.
    func note(_ peer: IPAddress, logger: Logger) async {
        let network = peer.clientNetwork
        let isNew = seen.withLock { seen in seen.count < Self.bound && seen.insert(network).inserted }
        guard isNew else { return }
        logger.warning(
            "requests come through a proxy that is not trusted: set TRUSTED_PROXIES if it is yours",
            metadata: ["proxy": "\(network)"])
        do {
            try await store.write(.maintenance) { tx in try Self.insert(network, in: tx) }
        } catch {
            logger.debug("the proxy was not noted for doctor", metadata: ["error": "\(error)"])
        }
    }

    /// Networks that are logged and kept: 16 are more than an operator has proxies in front of one server.
    static let bound = 16

    /// What was seen once in a week may have been anybody.
    static let lifetime: Duration = .seconds(7 * 86_400)

    static let migrations = [
        Migration(
            "unlisted-proxies-1",
            [
                """
                CREATE TABLE unlisted_proxy (
                    network \(.text) PRIMARY KEY,
                    seen_at \(.int64) NOT NULL
                ) \(.strict)
                """
            ])
    ]
}

extension IPAddress {
    /// Who counts as one client for limits, as text: the address itself for IPv4, the /64 for IPv6, which is what one
    /// subscriber has at least.
    package var clientNetwork: String {
        guard family == .v6 else { return "\(self)" }
        return "\(Network(base: IPAddress(v6: (bits >> 64) << 64), prefixLength: 64))"
    }
}
