import Delivery
import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Notes every 5 seconds that a server runs, so that the next start knows for how long none did.
///
/// Not while the time of day is not believed: the next start would take what was wrong for the truth.
struct ServerLife: Service {
    let store: any Store
    let clock: any WallClock
    let clocks: ClockGuard
    let logger: Logger

    func run() async throws {
        await periodically(every: .seconds(5), by: clock) {
            do {
                try await note()
            } catch {
                logger.debug("life sign not stored", metadata: ["error": "\(error)"])
            }
        }
    }

    /// One note.
    func note() async throws {
        guard clocks.isBelieved else { return }
        try await store.write(.maintenance) { [clocks] tx in
            // Once more: the clock may have been set while this waited.
            if clocks.isBelieved { try HeartbeatQueries.noteAlive(in: tx) }
        }
    }
}
