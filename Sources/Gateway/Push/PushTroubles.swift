import Logging
import Synchronization

/// Tells the log what keeps pushes from phones: each fault of a service once when it begins and once when it is over, and
/// each phone that cannot be pushed to. What comes and goes is told once a minute.
final class PushTroubles: Sendable {
    /// What concerns all phones that a service wakes.
    private enum Fault: String {
        /// It does not take this server's account.
        case credentials
        /// It cannot be reached, or has no room.
        case unavailable
    }

    private struct Trouble: Hashable {
        let fault: Fault
        let service: PushKind
    }

    private struct State {
        var present: Set<Trouble> = []
        var log = RefusalLog()
    }

    private let state = Mutex(State())

    /// Notes what came of a push.
    ///
    /// - Parameters:
    ///   - answer: What the service said.
    ///   - service: Which one.
    ///   - phone: Whom the push was for.
    ///   - isNew: Whether the phone was not known to be so.
    ///   - now: For the bound on what is logged of phones.
    ///   - logger: Told of it.
    func note(
        _ answer: PushAnswer, of service: PushKind, phone: PhoneID, isNew: Bool, at now: ContinuousClock.Instant = .now,
        logger: Logger
    ) {
        let unavailable = Trouble(fault: .unavailable, service: service)
        let credentials = Trouble(fault: .credentials, service: service)
        switch answer {
        case .failed(let error, _): begin(unavailable, error, now, logger)
        case .unauthorized(let error):
            end(unavailable, now, logger)
            begin(credentials, error, now, logger)
        case .taken:
            end(unavailable, now, logger)
            end(credentials, now, logger)
            if isNew, isLogged("\(phone) ends", now) {
                logger.info("a phone can be pushed to again", metadata: ["phone_id": "\(phone)"])
            }
        case .tokenIsDead(let error), .foreignToken(let error), .refused(let error):
            end(unavailable, now, logger)
            end(credentials, now, logger)
            if isNew, isLogged("\(phone) begins", now) {
                logger.warning(
                    "a phone cannot be pushed to", metadata: ["phone_id": "\(phone)", "error": "\(error)"])
            }
        }
    }

    private func begin(_ trouble: Trouble, _ error: String, _ now: ContinuousClock.Instant, _ logger: Logger) {
        let isNew = state.withLock { $0.present.insert(trouble).inserted }
        guard isNew, isLogged("\(trouble) begins", now) else { return }
        logger.error(
            "pushes fail",
            metadata: [
                "kind": "\(trouble.fault.rawValue)", "service": "\(trouble.service.name)", "error": "\(error)",
            ])
    }

    private func end(_ trouble: Trouble, _ now: ContinuousClock.Instant, _ logger: Logger) {
        let wasPresent = state.withLock { $0.present.remove(trouble) } != nil
        guard wasPresent, isLogged("\(trouble) ends", now) else { return }
        logger.info(
            "pushes go through again",
            metadata: ["kind": "\(trouble.fault.rawValue)", "service": "\(trouble.service.name)"])
    }

    private func isLogged(_ what: String, _ now: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.log.note(what, at: now) } != nil
    }
}
