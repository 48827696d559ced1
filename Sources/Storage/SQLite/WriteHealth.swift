import Synchronization

/// Whether the last write failed because of the disk, and why.
final class WriteHealth: Sendable {
    private let reason = Mutex<String?>(nil)
    private let lossReason = Mutex<String?>(nil)

    /// What is wrong, in words; nil when the last write that reached the disk succeeded.
    var lastFailure: String? { reason.withLock { $0 } }

    /// Why nothing will ever be written again, in words; nil when it may be.
    var loss: String? { lossReason.withLock { $0 } }

    /// Nothing can be kept from now on; false when that was known.
    @discardableResult
    func lost(because words: String) -> Bool {
        lossReason.withLock { reason in
            defer { reason = words }
            return reason == nil
        }
    }

    /// Something was written and is durable.
    func succeeded() {
        reason.withLock { $0 = nil }
    }

    /// A write failed; only what an operator can fix is kept.
    func failed(_ failure: SQLiteFailure) {
        guard case .unavailable(let words) = failure.storageError else { return }
        reason.withLock { $0 = words }
    }
}
