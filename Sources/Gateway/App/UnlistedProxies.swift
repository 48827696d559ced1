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

    private static func insert(_ network: String, in tx: any Transaction) throws {
        try tx.run("DELETE FROM unlisted_proxy WHERE seen_at <= \(tx.now - lifetime)")
        try tx.run(
            """
            INSERT INTO unlisted_proxy (network, seen_at)
            VALUES (\(network), \(tx.now))
            ON CONFLICT (network) DO UPDATE SET seen_at = excluded.seen_at
            """)
        try tx.run(
            """
            DELETE FROM unlisted_proxy
            WHERE network IN (SELECT network FROM unlisted_proxy ORDER BY seen_at DESC, network LIMIT 500 OFFSET \(bound))
            """)
    }

    /// Those that a start of the last 7 days noted and `proxies` does not list, at most 16, the newest first.
    package static func list(besides proxies: TrustedProxies, in tx: any Transaction) throws -> [String] {
        try tx.rows(
            """
            SELECT network
            FROM unlisted_proxy
            WHERE seen_at > \(tx.now - lifetime)
            ORDER BY seen_at DESC, network
            LIMIT \(bound)
            """
        ).map { try $0.get("network") as String }.filter { text in
            let base = IPAddress(String(text.prefix { $0 != "/" }))
            return base.map { !proxies.isTrusted($0) } ?? false
        }
    }

    /// Networks that are logged and kept: 16 are more than an operator has proxies in front of one server.
    private static let bound = 16

    /// What was seen once in a week may have been anybody.
    private static let lifetime: Duration = .seconds(7 * 86_400)

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
