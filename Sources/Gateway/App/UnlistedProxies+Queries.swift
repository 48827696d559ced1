import Delivery
import Storage
import Timestamps

extension UnlistedProxies {
    /// Notes a network, and forgets those that are old or too many.
    static func insert(_ network: String, in tx: any Transaction) throws {
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
}
