import Synchronization

/// Hints from commits to those who sweep what is due: never needed for correctness, only for speed.
///
/// A sweep looks at least once a second whether or not it was told, so a lost hint costs time, not work.
package final class Wakeups: Sendable {
    /// What somebody may wait for.
    package enum Topic: Hashable, Sendable {
        /// Deliveries were inserted or became due.
        case deliveries
        /// Outgoing messages were planned or handed out.
        case messages
        /// A phone's presence check moved nearer.
        case presence
        /// Events were added to the log.
        case events
        /// A replay was asked for.
        case replays
        /// Pushes were made or became due.
        case pushes
        /// Files were left without a row.
        case attachments
        /// An account was deleted.
        case erasures
    }

    private struct State {
        var pending: Set<Topic> = []
        var keys: [Topic: Set<String>] = [:]
        var waiters: [Topic: [UInt64: CheckedContinuation<Void, Never>]] = [:]
        var cancelled: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Wakes everybody who waits for `topic`; kept for the next one to wait when nobody does.
    package func signal(_ topic: Topic) {
        let waiters = state.withLock { state in
            let waiters = state.waiters.removeValue(forKey: topic) ?? [:]
            if waiters.isEmpty { state.pending.insert(topic) }
            return waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Signals `topic` and remembers which of its queues has work, for ``takeKeys(_:)``.
    ///
    /// At most 10,000 keys are kept; what is dropped beyond them is found by the sweep's own look at the store.
    package func signal(_ topic: Topic, key: String) {
        state.withLock { state in
            if state.keys[topic, default: []].count < 10_000 { state.keys[topic, default: []].insert(key) }
        }
        signal(topic)
    }

    /// The keys signalled since the last call, in no order.
    package func takeKeys(_ topic: Topic) -> Set<String> {
        state.withLock { $0.keys.removeValue(forKey: topic) ?? [] }
    }

    /// Returns at the next signal of `topic`, after `limit`, or when the task is cancelled.
    package func wait(for topic: Topic, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: topic) }
            group.addTask {
                // Cancellation ends the sleep early, which is all that is wanted of it.
                try? await Task.sleep(for: limit)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait(for topic: Topic) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    if state.cancelled.remove(id) != nil || state.pending.remove(topic) != nil { return true }
                    state.waiters[topic, default: [:]][id] = continuation
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
                if let waiter = state.waiters[topic]?.removeValue(forKey: id) { return waiter }
                state.cancelled.insert(id)
                return nil
            }
            waiter?.resume()
        }
        // The cancellation handler has ended or will never run: what it left behind is removed for good.
        _ = state.withLock { $0.cancelled.remove(id) }
    }
}
