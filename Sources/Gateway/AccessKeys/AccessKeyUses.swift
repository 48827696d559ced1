import Delivery
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// When each access key was used last. A request notes its key in memory; what was noted is stored every 5 seconds.
///
/// It is for people who look which key is still in use: what a crash takes away is noted again by the next request.
package final class AccessKeyUses: Service {
    /// What is not stored yet. Only keys that exist are noted.
    private let uses = Mutex<[AccessKeyID: Timestamp]>([:])
    private let store: any Store
    /// What decides whether a key is expired.
    let clock: any WallClock
    private let logger: Logger

    private static let interval: Duration = .seconds(5)

    init(store: any Store, clock: any WallClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// Notes that a request is made with a key now; false when the key is expired.
    func note(_ grant: AccessKey.Grant) -> Bool {
        let now = clock.now()
        guard !grant.isExpired(at: now) else { return false }
        uses.withLock { $0[grant.id] = now }
        return true
    }

    /// Stores what was noted, until graceful shutdown and once more then.
    package func run() async throws {
        await periodically(every: Self.interval, by: clock) { [self] in await keep() }
        await keep()
    }

    func keep() async {
        let noted = uses.withLock { $0 }
        guard !noted.isEmpty else { return }
        do {
            try await store.write(.maintenance) { tx in try AccessKeyQueries.noteUses(noted, in: tx) }
            uses.withLock { uses in
                for (key, time) in noted where uses[key] == time { uses[key] = nil }
            }
        } catch {
            // They stay in memory for the next try.
            logger.debug("uses of access keys not stored", metadata: ["error": "\(error)"])
        }
    }
}
