import Synchronization
import Timestamps

/// Hints from commits to those who sweep what is due: never needed for correctness, only for speed.
///
/// A sweep looks at least once a second whether or not it was told, so a lost hint costs time, not work.
package final class Wakeups: Sendable {
    /// What somebody may wait for.
    package enum Topic: String, Hashable, Sendable {
        /// Deliveries were inserted or became due.
        case deliveries
        /// Outgoing messages were planned or handed out.
        case messages
        /// A phone's presence check moved nearer.
        case presence
        /// Events were added to the log.
        case events
        /// Events or deliveries were committed that have no number yet.
        case unnumbered
        /// A replay was asked for.
        case replays
        /// Pushes were made or became due.
        case pushes
        /// There is something to tell a device that may have a stream open; each key is one.
        case devices
        /// Files were left without a row.
        case attachments
        /// An account was deleted.
        case erasures
        /// Somebody wants to be told of alerts.
        case alerts
        /// E-mail waits.
        case mails
        /// Nobody says so yet: texts for searches are looked for once a minute.
        case searches
    }

    /// What other processes on the same store are told.
    package struct Hint: Hashable, Sendable {
        /// What they may wait for.
        package let topic: Topic
        /// Which of its queues has work; nil when that is not known.
        package let key: String?
    }

    private struct State {
        var shared: Set<Hint> = []
        var messenger: (@Sendable () -> Void)?
        var pending: Set<Topic> = []
        var keys: [Topic: Set<String>] = [:]
        var waiters: [Topic: [UInt64: CheckedContinuation<Void, Never>]] = [:]
        var cancelled: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
    }

    /// What commits of this process are counted by.
    package let counts = ProcessCounts()
    private let state = Mutex(State())
    private let clock: any WallClock

    /// Nobody waits yet; limits of waits are measured by `clock`.
    package init(clock: any WallClock = SystemClock()) {
        self.clock = clock
    }

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

    /// Has other processes signalled as well, where they share the store; nothing where there can be none.
    ///
    /// At most 100 hints wait to be told, which is what one message holds.
    package func share(_ topic: Topic, key: String? = nil) {
        let messenger = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.messenger != nil, state.shared.count < 100 else { return nil }
            return state.shared.insert(Hint(topic: topic, key: key)).inserted ? state.messenger : nil
        }
        messenger?()
    }

    /// Has `messenger` called whenever ``takeShared()`` has something to give; nil ends that.
    package func setMessenger(_ messenger: (@Sendable () -> Void)?) {
        state.withLock { state in
            state.messenger = messenger
            state.shared = []
        }
    }

    /// The hints for others since the last call, in no order.
    package func takeShared() -> Set<Hint> {
        state.withLock { state in
            defer { state.shared = [] }
            return state.shared
        }
    }

    /// The keys signalled since the last call, in no order.
    package func takeKeys(_ topic: Topic) -> Set<String> {
        state.withLock { $0.keys.removeValue(forKey: topic) ?? [] }
    }

    /// Returns at the next signal of `topic`, after `limit`, or when the task is cancelled.
    package func wait(for topic: Topic, atMost limit: Duration) async {
        // Nothing to set up for one who is busy, and so was told meanwhile.
        if state.withLock({ $0.pending.remove(topic) != nil }) { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: topic) }
            group.addTask {
                // Cancellation ends the sleep early, which is all that is wanted of it.
                try? await self.clock.sleep(for: limit)
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
