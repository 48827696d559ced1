import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Hands e-mail in, a few at once, of each account one after the other. What the mail server does not take is tried again for a day.
///
/// Accounts take turns, and what was never tried goes before what the mail server did not take: letters that stall hold back
/// those of their own account only.
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

    /// Sends until graceful shutdown or cancellation. What is under way is given up then, and comes again once its lease is over: it
    /// may be sent twice.
    func run() async throws {
        await cancelWhenGracefulShutdown { await sendAll() }
    }

    private func sendAll() async {
        let wakeups = store.wakeups
        let places = AccountPlaces(Self.places, each: 1)
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    for taken in try await claim(places) {
                        places.take(taken.userID)
                        group.addTask {
                            await handIn(taken)
                            places.leave(taken.userID)
                            wakeups.signal(.mails)
                        }
                    }
                } catch {
                    // The end is no error.
                    guard !Task.isCancelled else { return }
                    logger.warning("e-mail cannot be read", metadata: ["error": "\(error)"])
                }
                await wakeups.wait(for: .mails, atMost: .seconds(10))
            }
        }
    }

    /// Takes as much of the mail that is due as there are places.
    private func claim(_ places: AccountPlaces) async throws -> [MailQueries.Taken] {
        let shares = places.shares
        // No place: the first one that becomes free wakes us.
        if shares.free == 0 { return [] }
        return try await store.write(.maintenance) { tx in
            var left = shares
            var all: [MailQueries.Taken] = []
            let users = try MailQueries.usersWithDue(in: tx)
            for userID in left.inTurn(users.fresh) + left.inTurn(users.tried) where left.room(for: userID) > 0 {
                guard let taken = try MailQueries.take(of: userID, in: tx) else { continue }
                all.append(taken)
                left.take(userID, 1)
            }
            return all
        }
    }

    /// Hands one in, and stores what came of it.
    private func handIn(_ taken: MailQueries.Taken) async {
        do {
            let failure = await attempt(taken.mail)
            // Nothing can be written any more.
            try Task.checkCancellation()
            try await record(failure, of: taken)
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning(
                "what became of an e-mail was not stored",
                metadata: ["mail_id": "\(taken.mail.id)", "error": "\(error)"])
        }
    }

    /// Sends a mail; gives why it was not taken, nil when it was.
    private func attempt(_ mail: Mail) async -> (any Error)? {
        do {
            try await send(mail)
            return nil
        } catch {
            return error
        }
    }

    private func record(_ failure: (any Error)?, of taken: MailQueries.Taken) async throws {
        let id = taken.mail.id
        guard let failure else {
            return try await store.write(.maintenance) { tx in try MailQueries.delete(id, in: tx) }
        }
        let isOver = failure is Refused || clock.now() - taken.createdAt > Self.patience
        logger.warning(
            isOver ? "e-mail was given up" : "e-mail was not taken and is tried again",
            metadata: ["mail_id": "\(id)", "attempt": "\(taken.attempt)", "reason": "\(failure)"])
        let next = clock.now() + .seconds(60 * min(60, 1 << min(taken.attempt, 6)))
        try await store.write(.maintenance) { tx in
            if isOver {
                try MailQueries.delete(id, in: tx)
            } else {
                try MailQueries.postpone(id, until: next, in: tx)
            }
        }
    }

    /// Mail under way; as many connections to the mail server may be open.
    static let places = 4
    /// A day: what is older is no news.
    private static let patience: Duration = .seconds(86_400)
}
