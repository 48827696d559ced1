import Delivery
import Logging
import Secrets
import Storage
import Timestamps

/// The first account: whoever can read the server's log makes it.
package enum FirstRun {
    /// Draws a token when there is no account, whose digest alone is stored; nil when there is one. Each node draws one of its own
    /// when it starts, and tells it once it listens: see ``tell(_:at:logger:)``.
    package static func draw(in store: any Store) async throws -> String? {
        // A server starts on a disk that is nearly full, too: what it has can still be read and delivered.
        try await store.write(.maintenance) { tx in try draw(in: tx) }
    }

    /// Logs the one link to the form that makes the first account; `appURL` is what links begin with.
    package static func tell(_ token: String, at appURL: String, logger: Logger) {
        logger.notice(
            "there is no account yet: open this link and make one, valid for 24 hours",
            metadata: ["url": "\(appURL)/first-run?token=\(token)"])
    }

    /// Draws another token when no other one is valid any more. False, as pruners say that nothing is left to do.
    static func renew(
        in tx: any Transaction, appURL: @escaping @Sendable () -> String, logger: Logger
    ) throws -> Bool {
        // First, so that two that renew the same token draw one.
        try FirstRunQueries.deleteExpired(in: tx)
        if try !FirstRunQueries.isOffered(in: tx), let token = try draw(in: tx) {
            tx.afterCommit { tell(token, at: appURL(), logger: logger) }
        }
        return false
    }

    private static func draw(in tx: any Transaction) throws -> String? {
        guard try FirstRunQueries.isOpen(in: tx) else { return nil }
        let token = RandomToken.make()
        try FirstRunQueries.insert(tokenHash: SHA256Digest.bytes(token), in: tx)
        return token
    }
}
