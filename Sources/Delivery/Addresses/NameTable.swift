import NIOCore

/// What is known of names, and what that is good for: a value, and the present is an argument.
///
/// | what is known | what a delivery gets |
/// |---|---|
/// | an answer of less than 30 s | the answer; from 20 s on it is looked up again meanwhile |
/// | an older one, up to six hours | a lookup first; while lookups hang or fail, at once the last good answer |
/// | that the name does not exist, or no answer ever | the failure, and a new lookup only after a while |
/// | an answer that the policy refused | the answer for 5 s, then a lookup |
///
/// After a failure a name is not looked up for 5 s, after another one for 10 s, and so on: up to ten minutes where name
/// servers are silent, which costs a place for each lookup's whole time, up to one minute where they answer that there is
/// nothing. Once a name answers whose name servers were silent, all such names may be looked up again after 5 s: it may
/// have been one server.
struct NameTable: Sendable {
    /// 30 s: short against a move of the receiver, long against a burst of events.
    static let freshTime = TimeAmount.seconds(30)

    /// 20 s: a name that is in use is looked up again before anybody has to wait for it.
    static let refreshTime = TimeAmount.seconds(20)

    /// 6 h: an outage of a name server is over by then, and addresses are given to others seldom so soon.
    static let staleTime = TimeAmount.hours(6)

    /// 5 s for what the policy refused, and the first wait after a failure.
    static let shortTime = TimeAmount.seconds(5)

    /// 10 minutes between lookups of a name whose name servers are silent.
    static let longestSilence = TimeAmount.minutes(10)

    /// 1 minute between lookups of a name of which there is an answer, but no address: whoever adds it waits for this.
    static let longestAbsence = TimeAmount.minutes(1)

    /// What a name is good for now.
    enum Standing: Hashable, Sendable {
        /// These are its addresses; `refresh` says whether to look it up meanwhile.
        case known([IPAddress], refresh: Bool)
        /// It has none, and it is too early to ask again.
        case failed(ResolutionError)
        /// It must be looked up; the last good addresses, if any, do for whoever cannot wait for that.
        case unknown(last: [IPAddress])
    }

    private struct Entry {
        var account: String
        var addresses: [IPAddress] = []
        var refreshAt: NIODeadline
        var freshUntil: NIODeadline
        var staleUntil: NIODeadline
        var failure: ResolutionError?
        var failures = 0
        var retryAt: NIODeadline
        var usedAt: NIODeadline

        init(account: String, at now: NIODeadline) {
            self.account = account
            (refreshAt, freshUntil, staleUntil, retryAt, usedAt) = (now, now, now, now, now)
        }
    }

    /// 16,384 names, some 4 MiB, and 50 MiB if each had a hundred addresses; what goes first is what was used least.
    private let capacity: Int

    /// 256 names that one account had looked up: ten webhooks, and what their URLs were before.
    private let accountCapacity: Int

    private var entries: [String: Entry] = [:]
    private var accounts: [String: Int] = [:]
    private var nextAmnesty: NIODeadline?

    init(capacity: Int = 16_384, accountCapacity: Int = 256) {
        self.capacity = capacity
        self.accountCapacity = accountCapacity
    }

    /// The number of names of which something is known.
    var count: Int { entries.count }

    /// How many names are not looked up for now, as it failed.
    func failingCount(at now: NIODeadline) -> Int {
        entries.values.count { $0.failure != nil && $0.retryAt > now }
    }

    /// What a name is good for; notes that it was asked for.
    mutating func standing(of name: String, at now: NIODeadline) -> Standing {
        entries[name]?.usedAt = now
        return peek(at: name, at: now)
    }

    /// What a name is good for.
    func peek(at name: String, at now: NIODeadline) -> Standing {
        guard let entry = entries[name] else { return .unknown(last: []) }
        let isFailing = entry.failure != nil && entry.retryAt > now
        guard !entry.addresses.isEmpty, entry.staleUntil > now else {
            if let failure = entry.failure, isFailing { return .failed(failure) }
            return .unknown(last: [])
        }
        if entry.freshUntil > now { return .known(entry.addresses, refresh: entry.refreshAt <= now && !isFailing) }
        return entry.failure == nil
            ? .unknown(last: entry.addresses) : .known(entry.addresses, refresh: !isFailing)
    }

    /// The addresses if they are fresh: what somebody who saves a webhook is shown, whatever failed before.
    func fresh(_ name: String, at now: NIODeadline) -> [IPAddress]? {
        guard let entry = entries[name], !entry.addresses.isEmpty, entry.freshUntil > now else { return nil }
        return entry.addresses
    }

    /// Keeps what a lookup for `account` gave.
    mutating func store(
        _ answer: Result<[IPAddress], ResolutionError>, for name: String, account: String, at now: NIODeadline
    ) {
        var entry = take(name, account: account, at: now)
        switch answer {
        case .success(let addresses):
            if entry.failure == .timedOut, entry.failures > 1 { grantAmnesty(at: now) }
            entry.addresses = addresses
            entry.refreshAt = now + Self.refreshTime
            entry.freshUntil = now + Self.freshTime
            entry.staleUntil = now + Self.staleTime
            entry.failure = nil
            entry.failures = 0
        case .failure(let failure):
            // That a name is gone is an answer: its addresses may be somebody else's by now.
            if failure == .notFound { entry.addresses = [] }
            entry.failure = failure
            entry.failures += 1
            entry.retryAt = now + Self.wait(after: entry.failures, failure)
        }
        entries[name] = entry
    }

    /// Notes that a lookup hangs: until it ends, the last good answer is given at once.
    mutating func noteHanging(_ name: String, at now: NIODeadline) {
        guard let entry = entries[name], entry.failure == nil else { return }
        entries[name]?.failure = .timedOut
        entries[name]?.retryAt = now + Self.shortTime
    }

    /// Notes that the policy refuses the addresses: they are looked up again after 5 s, and then no longer used.
    mutating func distrust(_ name: String, at now: NIODeadline) {
        guard var entry = entries[name] else { return }
        entry.freshUntil = min(entry.freshUntil, now + Self.shortTime)
        entry.refreshAt = entry.freshUntil
        entry.staleUntil = min(entry.staleUntil, now + Self.shortTime)
        entries[name] = entry
    }

    /// Lets every name be looked up again: the name servers are others now.
    mutating func forgetFailures(at now: NIODeadline) {
        for name in Array(entries.keys) {
            entries[name]?.retryAt = now
            entries[name]?.failures = 0
        }
    }

    /// Once in 5 s at most, as it looks at all there are.
    private mutating func grantAmnesty(at now: NIODeadline) {
        if let nextAmnesty, nextAmnesty > now { return }
        nextAmnesty = now + Self.shortTime
        for (name, entry) in entries where entry.failure == .timedOut {
            entries[name]?.retryAt = min(entry.retryAt, now + Self.shortTime)
            entries[name]?.failures = 1
        }
    }

    /// 5 s, doubled with every failure.
    private static func wait(after failures: Int, _ failure: ResolutionError) -> TimeAmount {
        let longest = failure == .timedOut ? longestSilence : longestAbsence
        return min(shortTime * (1 << min(max(failures - 1, 0), 10)), longest)
    }

    /// The entry of a name, new or not; makes room for a new one.
    private mutating func take(_ name: String, account: String, at now: NIODeadline) -> Entry {
        if let entry = entries[name] { return entry }
        if accounts[account, default: 0] >= accountCapacity {
            removeLeastUsed(of: account, count: max(1, accountCapacity / 8))
        }
        if entries.count >= capacity { removeLeastUsed(of: nil, count: max(1, capacity / 8)) }
        accounts[account, default: 0] += 1
        return Entry(account: account, at: now)
    }

    /// Many at a time, as it looks at all there are.
    private mutating func removeLeastUsed(of account: String?, count: Int) {
        let candidates = entries.lazy.filter { account == nil || $0.value.account == account }
            .map { (name: $0.key, account: $0.value.account, usedAt: $0.value.usedAt) }
        for least in candidates.sorted(by: { $0.usedAt < $1.usedAt }).prefix(count) {
            entries[least.name] = nil
            let left = accounts[least.account, default: 1] - 1
            accounts[least.account] = left > 0 ? left : nil
        }
    }
}
