import Logging
import ServiceLifecycle
import Storage

/// Notes every 5 seconds that a server runs, so that the next start knows for how long none did.
struct LifeSign: Service {
    let store: any Store
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await store.write(.maintenance) { tx in try HeartbeatQueries.noteAlive(in: tx) }
                } catch {
                    logger.debug("life sign not stored", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: .seconds(5))  // Cancelled at shutdown, which ends the loop.
            }
        }
    }
}
