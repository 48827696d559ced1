import Storage

extension ReadySet {
    /// How many slots are taken, and by whom: counted as they are taken and freed, so that no plan adds anything up.
    struct TakenSlots: Sendable {
        /// By all endpoints together.
        private(set) var total = 0
        /// By endpoints that are known alike; those without slots are absent.
        private(set) var byStanding: [Standing: Int] = [:]
        /// By the endpoints that are known to be an account's; accounts without slots are absent.
        private(set) var byAccount: [UserID: Int] = [:]

        /// Notes that `entry` took so many, or gave them back when there are less than none.
        mutating func add(_ slots: Int, of entry: Entry) {
            total += slots
            Self.add(slots, to: &byStanding, for: entry.standing)
            if let account = entry.account { Self.add(slots, to: &byAccount, for: account) }
        }

        /// Notes that what is known of an endpoint is no longer `old` but `new`; the slots that it has stay the same.
        mutating func move(from old: Entry, to new: Entry) {
            guard old.standing != new.standing || old.account != new.account else { return }
            add(-old.inFlight, of: old)
            add(new.inFlight, of: new)
        }

        private static func add<Key: Hashable>(_ slots: Int, to counts: inout [Key: Int], for key: Key) {
            let sum = (counts[key] ?? 0) + slots
            counts[key] = sum == 0 ? nil : sum
        }
    }
}

extension ReadySet.Limits {
    /// The last slots to be taken: a quarter, for endpoints that have few. Whoever holds slots without an end, such as two wide
    /// windows at receivers that hang, leaves these to others. None where the part of an endpoint would be less than one.
    package var reservedSlots: Int { fewForEndpoint == 0 ? 0 : slots / 4 }
    /// The last half of those, for accounts that have few: many small endpoints of one account leave these to others.
    var reservedForAccounts: Int { reservedSlots / 2 }
    /// Up to so many slots an endpoint has few: 8 of 256, so that four have a place in the first half of the reserve.
    var fewForEndpoint: Int { slots / 32 }
    /// Up to so many slots all endpoints of an account have few: 16 of 256, so that two accounts have a place in the last half.
    var fewForAccount: Int { slots / 16 }
}
