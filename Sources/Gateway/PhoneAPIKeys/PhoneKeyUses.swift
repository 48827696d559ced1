import Delivery
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// When each phone key was used last, so that a number may leave a phone that is gone and none that is there.
///
/// A request notes its key in memory; what was noted is stored every 5 seconds, in one transaction for all keys, so that
/// other nodes and the next start know. Silence is believed only of a time that this process watched, by a clock that
/// nobody sets: after a start, after the machine slept, and after the time of day jumped, no key counts as silent for 16
/// minutes. Nothing is lost by that: the account can consent in the dashboard at any time.
package final class PhoneKeyUses: Service {
    private struct State {
        /// What is not stored yet. Only keys that exist are noted, and only until the next 5 seconds are over.
        var uses: [PhoneAPIKeyID: Timestamp] = [:]
        /// Since when, by the steady clock, the time of day went its way.
        var watchedSince: Duration
        /// The time of day less the steady clock, at the last look.
        var offset: Duration
        /// Whether the clock was ahead, so that keys may have been used in what is the future now.
        var wasAhead = true
    }

    private let store: any Store
    private let clock: any WallClock
    private let logger: Logger
    private let state: Mutex<State>

    /// 16 minutes, as a phone beats every 15.
    static let silence = HeartbeatOperations.wakeUpAfter
    private static let interval: Duration = .seconds(5)
    /// 30 s: what a time server corrects by steps is less, what an operator sets is more.
    private static let jump: Duration = .seconds(30)

    init(store: any Store, clock: any WallClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
        let steady = clock.steady()
        state = Mutex(State(watchedSince: steady, offset: Self.offset(of: clock.now(), to: steady)))
    }

    /// Notes that a request is made with `key` now.
    func note(_ key: PhoneAPIKeyID) {
        let now = clock.now()
        state.withLock { $0.uses[key] = now }
    }

    /// Whether no request was made with `key` for 16 minutes, as far as that is certain.
    func isSilent(_ key: PhoneAPIKeyQueries.Claimant) -> Bool {
        let (now, steady) = (clock.now(), clock.steady())
        return state.withLock { state in
            Self.look(at: now, steady, &state)
            guard steady - state.watchedSince >= Self.silence else { return false }
            return [key.lastUsedAt, state.uses[key.id]].compactMap(\.self).allSatisfy { $0 <= now - Self.silence }
        }
    }

    /// Stores what was noted, until graceful shutdown and once more then.
    package func run() async throws {
        await periodically(every: Self.interval, by: clock) { [self] in await keep() }
        await keep()
    }

    private func keep() async {
        let (now, steady) = (clock.now(), clock.steady())
        let (uses, wasAhead) = state.withLock { state in
            Self.look(at: now, steady, &state)
            return (state.uses, state.wasAhead)
        }
        guard !uses.isEmpty || wasAhead else { return }
        do {
            try await store.write(.maintenance) { tx in
                if wasAhead { try PhoneAPIKeyQueries.clampUses(to: now, in: tx) }
                try PhoneAPIKeyQueries.noteUses(uses, in: tx)
            }
            state.withLock { state in
                if wasAhead { state.wasAhead = false }
                for (key, time) in uses where state.uses[key] == time { state.uses[key] = nil }
            }
        } catch {
            // They stay in memory for the next try, and count there.
            logger.debug("uses of phone keys not stored", metadata: ["error": "\(error)"])
        }
    }

    private static func look(at now: Timestamp, _ steady: Duration, _ state: inout State) {
        let offset = offset(of: now, to: steady)
        let change = offset - state.offset
        if change > jump || change < .zero - jump { state.watchedSince = steady }
        if change < .zero - jump { state.wasAhead = true }
        state.offset = offset
    }

    private static func offset(of now: Timestamp, to steady: Duration) -> Duration {
        .microseconds(now.microseconds) - steady
    }
}
