import Logging
import Synchronization

/// Tells the log what keeps pushes from phones: each kind once when it begins and once when it is over, and each phone that
/// cannot be pushed to. What comes and goes is told once a minute.
final class PushTroubles: Sendable {
    /// What concerns all phones.
    private enum Kind: String {
        /// Firebase does not take this server's account.
        case credentials
        /// Firebase cannot be reached, or has no room.
        case unavailable
    }

    private struct State {
        var present: Set<Kind> = []
        var log = RefusalLog()
    }

    private let state = Mutex(State())

    /// Notes what came of a push.
    ///
    /// - Parameters:
    ///   - answer: What Firebase said.
    ///   - phone: Whom the push was for.
    ///   - isNew: Whether the phone was not known to be so.
    ///   - now: For the bound on what is logged of phones.
    ///   - logger: Told of it.
    func note(
        _ answer: PushAnswer, phone: PhoneID, isNew: Bool, at now: ContinuousClock.Instant = .now, logger: Logger
    ) {
        switch answer {
        case .failed(let error, _): begin(.unavailable, error, now, logger)
        case .unauthorized(let error):
            end(.unavailable, now, logger)
            begin(.credentials, error, now, logger)
        case .taken:
            end(.unavailable, now, logger)
            end(.credentials, now, logger)
            if isNew, isLogged("\(phone) ends", now) {
                logger.info("a phone can be pushed to again", metadata: ["phone_id": "\(phone)"])
            }
        case .tokenIsDead(let error), .foreignToken(let error), .refused(let error):
            end(.unavailable, now, logger)
            end(.credentials, now, logger)
            if isNew, isLogged("\(phone) begins", now) {
                logger.warning(
                    "a phone cannot be pushed to", metadata: ["phone_id": "\(phone)", "error": "\(error)"])
            }
        }
    }

    private func begin(_ kind: Kind, _ error: String, _ now: ContinuousClock.Instant, _ logger: Logger) {
        let isNew = state.withLock { $0.present.insert(kind).inserted }
        guard isNew, isLogged("\(kind) begins", now) else { return }
        logger.error("pushes fail", metadata: ["kind": "\(kind.rawValue)", "error": "\(error)"])
    }

    private func end(_ kind: Kind, _ now: ContinuousClock.Instant, _ logger: Logger) {
        let wasPresent = state.withLock { $0.present.remove(kind) } != nil
        guard wasPresent, isLogged("\(kind) ends", now) else { return }
        logger.info("pushes go through again", metadata: ["kind": "\(kind.rawValue)"])
    }

    private func isLogged(_ what: String, _ now: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.log.note(what, at: now) } != nil
    }
}
