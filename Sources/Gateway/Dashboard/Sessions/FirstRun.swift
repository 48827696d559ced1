import Delivery
import Logging
import Storage
import Timestamps

/// The first account: whoever can read the server's log makes it.
enum FirstRun {
    /// Draws a token and logs it, when there is no account; only its digest is stored. Each node offers one of its own.
    static func offer(in store: any Store, logger: Logger) async throws {
        let token = RandomToken.make()
        let isOffered = try await store.write { tx in
            guard try FirstRunQueries.isOpen(in: tx) else { return false }
            try FirstRunQueries.insert(tokenHash: SHA256Digest.bytes(token), in: tx)
            return true
        }
        if isOffered {
            logger.notice(
                "there is no account yet: open the dashboard and make one with this token, valid for 24 hours",
                metadata: ["token": "\(token)"])
        }
    }
}
