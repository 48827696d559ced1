import Storage
import Synchronization

/// Who has how many of the places of those who send: an account has its share at most, and accounts take turns.
///
/// A place is had from the claim of what is sent until its result is stored, and is given away as soon as it is free. Thread-safe.
final class AccountPlaces: Sendable {
    /// The places at one moment, as a value.
    struct Shares: Sendable {
        private let places: Int
        private let share: Int
        private var counts: [UserID: Int] = [:]
        private var total = 0
        /// When accounts took a place last: the number of that turn.
        private var turns: [UserID: UInt64] = [:]
        private var turn: UInt64 = 0

        init(_ places: Int, each share: Int) {
            (self.places, self.share) = (places, share)
        }

        /// Places that nobody has.
        var free: Int { places - total }

        /// How many more an account may have now.
        func room(for user: UserID) -> Int { max(0, min(share - taken(user), free)) }

        /// Those who may take a place, in this order: who has fewer first, then who did not take one for longer. Others stay as
        /// they are.
        func inTurn(_ users: [UserID]) -> [UserID] {
            users.enumerated()
                .sorted { left, right in
                    (taken(left.element), turns[left.element] ?? 0, left.offset)
                        < (taken(right.element), turns[right.element] ?? 0, right.offset)
                }
                .map { $0.element }
        }

        /// Gives places to an account, or takes them back when `count` is negative.
        mutating func take(_ user: UserID, _ count: Int) {
            total += count
            let rest = taken(user) + count
            counts[user] = rest > 0 ? rest : nil
            guard count > 0 else { return }
            turn += 1
            // Forgotten once there are too many: then all begin again.
            if turns.count >= Self.mostTurns { turns = [:] }
            turns[user] = turn
        }

        private func taken(_ user: UserID) -> Int { counts[user] ?? 0 }

        /// 10,000 accounts, some MiB.
        private static let mostTurns = 10_000
    }

    private let state: Mutex<Shares>

    /// - Parameters:
    ///   - places: How many there are.
    ///   - share: How many an account may have.
    init(_ places: Int, each share: Int) {
        state = Mutex(Shares(places, each: share))
    }

    /// The places at this moment.
    var shares: Shares { state.withLock { $0 } }

    /// Gives an account a place.
    func take(_ user: UserID) { state.withLock { $0.take(user, 1) } }

    /// Takes a place back.
    func leave(_ user: UserID) { state.withLock { $0.take(user, -1) } }
}
