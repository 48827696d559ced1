import Delivery
import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Looks once a minute for how long the oldest transaction on PostgreSQL is open, and warns of one that is open for long: all
/// that is changed is kept beside it, so that tables grow and cannot be cleaned.
package struct SnapshotWatch: Service {
    let store: any Store
    let clock: any WallClock
    let logger: Logger

    /// With all that it is made of.
    package init(store: any Store, clock: any WallClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// 5 minutes: no transaction of ours takes so long, and a small dump is done.
    package static let limit: Duration = .seconds(300)

    package func run() async throws {
        await periodically(every: .seconds(60), by: clock, from: false) { isLong in
            do {
                isLong = try await look(isLong)
            } catch {
                logger.debug("oldest transaction not looked for", metadata: ["error": "\(error)"])
            }
        }
    }

    /// One look, after one that found such a transaction or not; says whether this one did.
    func look(_ wasLong: Bool) async throws -> Bool {
        let age = try await store.read(.maintenance) { tx in try Self.oldest(in: tx) }
        let isLong = age >= Self.limit
        if isLong, !wasLong {
            logger.warning(
                "a transaction on PostgreSQL is open for long: what is changed is kept beside it",
                metadata: ["seconds": "\(age.components.seconds)"])
        }
        return isLong
    }
}
