import Synchronization
import Timestamps

/// Bounds how often wrong pairing codes are tried: 10 a minute from one network and 100 a minute in all, on this node.
///
/// A code has eight digits and lives for 15 minutes, so that whoever tries as often as that finds a given one once in 60,000
/// times. While a network is held, even a right code is refused: otherwise the bound would tell which one it is. Nothing is
/// stored: a restart forgets the counts.
final class CodeGuesses: Sendable {
    private struct State {
        var minute: Duration = .zero
        var total = 0
        /// At most ``total`` of them, so at most 100.
        var counts: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let clock: any WallClock

    /// Wrong codes of one network in a minute.
    static let perNetwork = 10
    /// Wrong codes of everybody in a minute.
    static let inAll = 100

    init(clock: any WallClock) {
        self.clock = clock
    }

    /// Takes a try for `network`; false when there is none left.
    ///
    /// It counts as a wrong one until it is given back: otherwise all tries that are made at once would pass.
    func take(_ network: String) -> Bool {
        let now = clock.steady()
        return state.withLock { state in
            Self.renew(&state, at: now)
            guard state.total < Self.inAll, state.counts[network, default: 0] < Self.perNetwork else { return false }
            state.total += 1
            state.counts[network, default: 0] += 1
            return true
        }
    }

    /// Gives back a try whose code was right.
    func giveBack(_ network: String) {
        state.withLock { state in
            // Nil when its minute is over.
            guard let count = state.counts[network], count > 0 else { return }
            state.counts[network] = count > 1 ? count - 1 : nil
            state.total -= 1
        }
    }

    private static func renew(_ state: inout State, at now: Duration) {
        guard now - state.minute >= .seconds(60) || state.total == 0 else { return }
        state = State(minute: now)
    }
}
