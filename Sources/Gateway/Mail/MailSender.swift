import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Hands e-mail in, one after the other. What the mail server does not take is tried again for a day.
struct MailSender: Service {
    let store: any Store
    let clock: any WallClock
    let logger: Logger
    /// Hands one in.
    let send: @Sendable (Mail) async throws -> Void

    /// The mail server will never take this one, and says why.
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    /// Sends until graceful shutdown or cancellation.
    func run() async throws {
        let wakeups = store.wakeups
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully && !Task.isCancelled {
                do {
                    while !Task.isShuttingDownGracefully, try await step() {}
                } catch {
                    // The end is no error.
                    guard !Task.isCancelled else { return }
                    logger.warning("e-mail cannot be read", metadata: ["error": "\(error)"])
                }
                await wakeups.wait(for: .mails, atMost: .seconds(10))
            }
        } onGracefulShutdown: {
            wakeups.signal(.mails)
        }
    }

    /// Sends the next one; false when none is due. When it is killed or cancelled in between, the mail comes again once its lease
    /// is over, and may be sent twice.
    ///
    /// - Throws: What the store throws; `CancellationError`.
    func step() async throws -> Bool {
        guard
            let (mail, attempt, createdAt) = try await store.write(.maintenance, { tx in try MailQueries.take(in: tx) })
        else { return false }
        do {
            try await send(mail)
            try await store.write(.maintenance) { tx in try MailQueries.delete(mail.id, in: tx) }
        } catch {
            // Nothing can be written any more.
            try Task.checkCancellation()
            let isOver = error is Refused || clock.now() - createdAt > Self.patience
            logger.warning(
                isOver ? "e-mail was given up" : "e-mail was not taken and is tried again",
                metadata: ["mail_id": "\(mail.id)", "attempt": "\(attempt)", "reason": "\(error)"])
            let next = clock.now() + .seconds(60 * min(60, 1 << min(attempt, 6)))
            try await store.write(.maintenance) { tx in
                if isOver {
                    try MailQueries.delete(mail.id, in: tx)
                } else {
                    try MailQueries.postpone(mail.id, until: next, in: tx)
                }
            }
        }
        return true
    }

    /// A day: what is older is no news.
    private static let patience: Duration = .seconds(86_400)
}
