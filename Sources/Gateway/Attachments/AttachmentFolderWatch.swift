import Delivery
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// Whether the last write into the attachments folder failed, and why, and whether the folder was ever there.
final class AttachmentFolderHealth: Sendable {
    private let reason = Mutex<String?>(nil)
    private let isSeen = Mutex(false)

    /// Whether this server saw the folder of its store at least once.
    var wasThere: Bool { isSeen.withLock { $0 } }

    /// The folder of the store is there.
    func seen() { isSeen.withLock { $0 = true } }

    /// What is wrong, in words; nil when the last write succeeded.
    var lastFailure: String? { reason.withLock { $0 } }

    /// Files were written and are durable.
    func succeeded() { reason.withLock { $0 = nil } }

    /// Files could not be written.
    func failed(_ words: String) { reason.withLock { $0 = words } }
}

/// Looks every 5 s whether the attachments folder takes files, so that this is known before an MMS is refused, and that it does again
/// without one.
///
/// Nobody waits for a look, whose disk may be one of a network that hangs: what is asked is what the last one found, or that one does
/// not end. There is never more than one.
final class AttachmentFolderWatch: Service {
    private struct State {
        var trouble: String?
        var freeBytes: Int64?
        /// When the look began that is under way.
        var lookingSince: ContinuousClock.Instant?
    }

    private let folder: AttachmentFolder
    private let clock: any WallClock
    private let logger: Logger
    private let state = Mutex(State())

    private static let pause: Duration = .seconds(5)
    /// A disk that takes so long for a look, which is a matter of milliseconds, is away.
    private static let patience: Duration = .seconds(10)

    init(_ folder: AttachmentFolder, clock: any WallClock, logger: Logger) {
        (self.folder, self.clock, self.logger) = (folder, clock, logger)
    }

    /// Why files of MMS are refused, in words; nil when they are not, as far as is known.
    var trouble: String? {
        state.withLock { state in
            if let since = state.lookingSince, ContinuousClock.now - since > Self.patience {
                return "\(folder.name) does not answer. Look at the disk it is on."
            }
            return folder.health.lastFailure ?? state.trouble
        }
    }

    /// Bytes that are free there; nil when that is not known.
    var freeBytes: Int64? { state.withLock { $0.freeBytes } }

    func run() async throws {
        await periodically(every: Self.pause, by: clock) { self.look() }
    }

    /// Begins a look, unless one is under way.
    func look() {
        let isFirst = state.withLock { state in
            guard state.lookingSince == nil else { return false }
            state.lookingSince = ContinuousClock.now
            return true
        }
        guard isFirst else { return }
        folder.onThread { [self] in
            let (trouble, freeBytes) = (folder.trouble(), folder.freeBytes)
            let before = state.withLock { state in
                defer { state = State(trouble: trouble, freeBytes: freeBytes) }
                return state.trouble
            }
            if let trouble, before == nil {
                logger.error("the attachments folder takes no files", metadata: ["reason": "\(trouble)"])
            } else if trouble == nil, before != nil {
                logger.info("the attachments folder takes files again")
            }
        }
    }
}
