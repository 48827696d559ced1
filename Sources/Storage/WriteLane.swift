/// What a write is for, which decides who goes first when many wait.
package enum WriteLane: Sendable, Hashable {
    /// Claims and results of the delivery engine: first, for they free what others wait for. Also accepted while the
    /// disk is nearly full.
    case engine
    /// What a client of the account with this id waits for, or a phone of it. Accounts take turns, and so many writes of
    /// each may wait. Refused with `StorageError.unavailable` when the disk is nearly full.
    case account(String)
    /// The same for a client whose account is not known, such as one that signs in: all of them share a turn.
    case request
    /// Sweeps and clean-up: when there is time left. Also accepted while the disk is nearly full.
    case maintenance

    /// The lanes of which one goes before the other.
    package enum Kind: Int, Sendable, CaseIterable {
        case engine, request, maintenance
    }

    /// Its kind.
    package var kind: Kind {
        switch self {
        case .engine: .engine
        case .account, .request: .request
        case .maintenance: .maintenance
        }
    }

    /// Whose turn it takes among those of clients; nil in the other lanes.
    var turn: String? {
        switch self {
        case .account(let id): id
        case .request: ""
        case .engine, .maintenance: nil
        }
    }

    /// The refusal of a write of this lane whose own turn has too many that wait already.
    var crowded: StorageError {
        guard case .account = self else { return .unavailable("Too many writes wait. Try again in a second.") }
        return .tooMany("Too many requests of this account write at the moment. Wait for some of them.")
    }

    /// 1,024 writes of one account may wait, a quarter of all: far more than clients send side by side.
    static let limitPerAccount = 1_024

    /// 4,096 may wait in all: a second of full load. Whoever comes later is better told at once, unless nothing of theirs
    /// waits yet.
    static let limit = 4_096
}
