import Delivery
import Logging
import Secrets
import Storage
import Timestamps

/// The first account: whoever can read the server's log makes it.
package enum FirstRun {
    /// Draws a token and logs it, when there is no account; only its digest is stored. Each node offers one of its own when
    /// it starts.
    package static func offer(in store: any Store, logger: Logger) async throws {
        // A server starts on a disk that is nearly full, too: what it has can still be read and delivered.
        try await store.write(.maintenance) { tx in try offer(in: tx, logger: logger) }
    }

    /// Draws another token when no other one is valid any more. False, as pruners say that nothing is left to do.
    static func renew(in tx: any Transaction, logger: Logger) throws -> Bool {
        // First, so that two that renew the same token draw one.
        try FirstRunQueries.deleteExpired(in: tx)
        if try !FirstRunQueries.isOffered(in: tx) { try offer(in: tx, logger: logger) }
        return false
    }

    private static func offer(in tx: any Transaction, logger: Logger) throws {
        guard try FirstRunQueries.isOpen(in: tx) else { return }
        let token = RandomToken.make()
        try FirstRunQueries.insert(tokenHash: SHA256Digest.bytes(token), in: tx)
        tx.afterCommit {
            logger.notice(
                "there is no account yet: open the dashboard and make one with this token, valid for 24 hours",
                metadata: ["token": "\(token)"])
        }
    }
}
