/// For whom a name is looked up: whose share of the places it takes.
package enum LookupCaller: Hashable, Sendable {
    /// An attempt to deliver. Account and endpoint are what bounds are kept by.
    case delivery(account: String, endpoint: String)
    /// Somebody who saves a webhook and waits for the form.
    case save(account: String)
    /// A request to a server that the operator names, such as Firebase.
    case operated

    var account: String {
        switch self {
        case .delivery(let account, _), .save(let account): account
        case .operated: ""
        }
    }

    var endpoint: String? {
        if case .delivery(_, let endpoint) = self { endpoint } else { nil }
    }

    var kind: Kind {
        switch self {
        case .delivery: .delivery
        case .save: .save
        case .operated: .operated
        }
    }

    /// Those that never take places from each other.
    enum Kind: Hashable, Sendable {
        case delivery, save, operated
    }
}

/// How many lookups run at once, in all and for each account and endpoint; a value.
struct LookupPlaces: Sendable {
    /// The bounds.
    struct Limits: Sendable {
        /// 512 for deliveries: at 80 KiB each what a burst of dead names may cost, and twice the dispatcher's slots.
        var deliveries = 512
        /// 64 for people who save webhooks.
        var saves = 64
        /// 32 for the deliveries of one account, which has ten webhooks, but may change their URLs.
        var accountDeliveries = 32
        /// 4 for the saves of one account: nobody fills in more forms at a time.
        var accountSaves = 4
        /// 8 for servers that the operator names, who names two.
        var operated = 8
        /// 2 for one endpoint: its URL, and the one it had before.
        var endpoint = 2

        init() {}
    }

    /// What has no place left.
    enum Shortage: Hashable, Sendable {
        case endpoint
        case account
        case all
    }

    private struct Share: Hashable {
        let kind: LookupCaller.Kind
        let account: String
    }

    private let limits: Limits
    private var kinds: [LookupCaller.Kind: Int] = [:]
    private var accounts: [Share: Int] = [:]
    private var endpoints: [String: Int] = [:]

    init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// How many run.
    var count: Int { kinds.values.reduce(0, +) }

    /// What keeps the caller from a place; nil when there is one.
    func shortage(for caller: LookupCaller) -> Shortage? {
        let (ofAccount, ofAll) = bounds(caller.kind)
        if let endpoint = caller.endpoint, endpoints[endpoint, default: 0] >= limits.endpoint { return .endpoint }
        let account = accounts[Share(kind: caller.kind, account: caller.account), default: 0]
        if account >= ofAccount { return .account }
        return kinds[caller.kind, default: 0] >= ofAll ? .all : nil
    }

    private func bounds(_ kind: LookupCaller.Kind) -> (ofAccount: Int, ofAll: Int) {
        switch kind {
        case .delivery: (limits.accountDeliveries, limits.deliveries)
        case .save: (limits.accountSaves, limits.saves)
        case .operated: (limits.operated, limits.operated)
        }
    }

    /// Takes a place; ask for the ``shortage(for:)`` before.
    mutating func take(for caller: LookupCaller) { add(1, for: caller) }

    /// Gives a place back.
    mutating func giveBack(of caller: LookupCaller) { add(-1, for: caller) }

    private mutating func add(_ change: Int, for caller: LookupCaller) {
        kinds[caller.kind, default: 0] += change
        Self.add(change, to: &accounts, at: Share(kind: caller.kind, account: caller.account))
        if let endpoint = caller.endpoint { Self.add(change, to: &endpoints, at: endpoint) }
    }

    private static func add<Key>(_ change: Int, to counts: inout [Key: Int], at key: Key) {
        let count = counts[key, default: 0] + change
        counts[key] = count > 0 ? count : nil
    }
}
