import Synchronization

/// How much an agent may do in a while, whatever it was talked into.
package struct AgentLimits: Sendable {
    /// Recipients of one call.
    package var mostRecipients: Int
    /// With more recipients than these a call has to say how many there are.
    package var unconfirmed: Int
    /// SMS within an hour.
    package var mostInAnHour: Int
    /// The longest wait for a reply, in seconds.
    package var longestWait: Int
    /// Whether they are options of `httpsms mcp`, which refusals then name.
    package var areOptions: Bool

    /// The least an agent is of use with. A call waits for ten minutes, as nothing is between the agent and this.
    package init(
        mostRecipients: Int = 20, unconfirmed: Int = 1, mostInAnHour: Int = 60, longestWait: Int = 600,
        areOptions: Bool = true
    ) {
        self.mostRecipients = mostRecipients
        self.unconfirmed = unconfirmed
        self.mostInAnHour = mostInAnHour
        self.longestWait = longestWait
        self.areOptions = areOptions
    }

    /// How long a call waits that does not say it, in seconds.
    var usualWait: Int { min(60, longestWait) }

    /// Where the operator of the agent can change a limit, to follow a refusal; empty when they cannot.
    func option(_ name: String) -> String { areOptions ? " (\(name) of `httpsms mcp`)" : "" }
}

/// Counts the SMS of an hour for each key, so that an agent that goes in circles, or was talked into something, is stopped.
///
/// It is in memory: a server that starts again has forgotten it, and each node counts for itself. It takes no more of that than
/// ``mostKeys`` of an account, and a few bytes for each call that sent something within the last hour or two.
package final class AgentBudget: Sendable {
    /// Whose SMS are counted together.
    package struct Holder: Hashable, Sendable {
        let account: String
        let key: String

        /// Names a key of an account.
        package init(account: String, key: String) {
            self.account = account
            self.key = key
        }

        /// The one key that a process has.
        package static let only = Holder(account: "", key: "")
    }

    private typealias Sent = (time: ContinuousClock.Instant, count: Int)

    private struct State {
        /// By account and key; nothing that is empty.
        var sent: [String: [String: [Sent]]] = [:]
        /// When all accounts were looked through.
        var swept = ContinuousClock.now
    }

    /// Keys of an account that sent something within an hour. An account has 100 access keys at a time, but may delete them
    /// and make others.
    static let mostKeys = 200

    private let limits: AgentLimits
    private let state = Mutex(State())

    /// Nothing was sent yet.
    package init(_ limits: AgentLimits) {
        self.limits = limits
    }

    /// The number of keys that it remembers.
    var keyCount: Int { state.withLock { $0.sent.values.reduce(0) { $0 + $1.count } } }

    /// Takes `count` SMS, whatever becomes of them.
    ///
    /// - Throws: ``AgentFault`` when there are not as many left.
    package func take(
        _ count: Int, for holder: Holder = .only, at now: ContinuousClock.Instant = .now
    ) throws(AgentFault) {
        let refusal = state.withLock { state -> String? in
            if state.swept + Self.hour <= now {
                state.swept = now
                state.sent = state.sent.compactMapValues { Self.recent($0, now) }
            }
            var keys = state.sent[holder.account].flatMap { Self.recent($0, now) } ?? [:]
            defer { state.sent[holder.account] = keys.isEmpty ? nil : keys }
            let sent = keys[holder.key] ?? []
            guard count <= limits.mostInAnHour - sent.reduce(0, { $0 + $1.count }) else {
                return "agents may send \(limits.mostInAnHour) SMS an hour here\(limits.option("--per-hour"))."
            }
            guard !sent.isEmpty || keys.count < Self.mostKeys else {
                return "\(Self.mostKeys) keys of this account have sent something within an hour. Use one of them."
            }
            keys[holder.key] = sent + [(now, count)]
            return nil
        }
        if let refusal { throw AgentFault("Nothing was sent: \(refusal)") }
    }

    /// What was sent within an hour; nil when nothing was.
    private static func recent(
        _ keys: [String: [Sent]], _ now: ContinuousClock.Instant
    ) -> [String: [Sent]]? {
        let recent = keys.compactMapValues { sent in
            let recent = sent.filter { $0.time + hour > now }
            return recent.isEmpty ? nil : recent
        }
        return recent.isEmpty ? nil : recent
    }

    private static let hour: Duration = .seconds(3_600)
}
