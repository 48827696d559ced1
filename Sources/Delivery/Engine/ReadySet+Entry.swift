import Storage
import Timestamps

extension ReadySet {
    /// What an endpoint is known by, which decides whose slots it shares.
    enum Standing: Sendable, Hashable {
        /// No attempt of it has ended, as far as is known.
        case unknown
        /// It answers within a second.
        case quick
        /// It answers, but takes longer.
        case sluggish
        /// Its last attempt used up its time, or more than others have, or, after a start of the server, the last one before failed.
        case failing

        /// What the store knows of it.
        init(_ backlog: DeliveryQueries.Backlog) {
            self = backlog.isFailing ? .failing : backlog.hasSucceeded ? .quick : .unknown
        }
    }

    /// What the set knows of one endpoint.
    struct Entry: Sendable {
        var dueAt: [DeliveryLane: Timestamp] = [:]
        var inFlight = 0
        /// Whose it is; nil until that is known.
        var account: UserID?
        var turns = 0
        var isInRing = false
        /// Whether deliveries wait for others of their message, so that the end of one may let another go.
        var isOrdered = false
        /// While held deliveries are let go: one at a time, and none before this.
        var releaseAt: Timestamp?
        /// The version of the endpoint that ``releaseAt`` was reckoned by.
        var releaseVersion: Int64?
        /// The version that all this is known of; nil until it is known.
        var version: Int64?
        /// When it was last claimed for or heard of.
        var usedAt: Timestamp

        private(set) var standing = Standing.unknown
        private(set) var window: Int
        /// Nothing goes before this: the endpoint asked for less, or is sent to at a pace.
        var holdUntil: Timestamp?

        /// Requests under way at most, as its owner wants it; nil when nothing of that is known.
        var most: Int?

        /// Whether the window doubles, as it does until it was once too wide.
        private var isProbing = true
        /// The shortest answer, which tells those apart that had to wait inside of the receiver.
        private var shortest: Duration?
        /// Answers since the window was changed: as short as the shortest, or longer.
        private var near = 0
        private var far = 0
        /// Results of attempts that began before the last step down: they say nothing of what holds now.
        private var outdated = 0
        /// Results of attempts at an earlier version of the endpoint.
        private var foreign = 0
        /// Successes in the second that began then, and in the one before.
        private var secondBegan: Timestamp
        private var successes = 0
        private var lastSuccesses = 0

        private let lastWindow: Int

        init(_ limits: Limits, at now: Timestamp) {
            window = limits.firstWindow
            lastWindow = limits.lastWindow
            usedAt = now
            secondBegan = now
        }

        /// Takes what the store knows, unless attempts of this process have told more.
        mutating func learn(_ backlog: DeliveryQueries.Backlog, at now: Timestamp) {
            if standing == .unknown { standing = Standing(backlog) }
            if standing == .failing, shortest == nil { window = 1 }
            if account == nil { account = backlog.userID?.account }
            holdUntil = backlog.pace.hold(at: now)
        }

        /// Forgets all but what is in flight and whose it is: the endpoint was changed, and what an earlier version did says nothing.
        mutating func forget(_ limits: Limits, at now: Timestamp) {
            var new = Entry(limits, at: now)
            new.inFlight = inFlight
            new.account = account
            new.foreign = inFlight
            new.isInRing = isInRing
            new.most = most
            new.turns = turns
            (new.releaseAt, new.releaseVersion, new.isOrdered) = (releaseAt, releaseVersion, isOrdered)
            self = new
        }

        /// When the first of what is due may go by the clock; nil when nothing is due.
        var nextAt: Timestamp? {
            guard let due = dueAt.values.min() else { return nil }
            return max(due, releaseAt ?? due, holdUntil ?? due)
        }

        /// How many requests may go at `now` by window and hold; how many by the pace, the store says.
        func allowance(at now: Timestamp) -> Int {
            if let holdUntil, holdUntil > now { return 0 }
            return releaseAt.map { inFlight == 0 && $0 <= now ? 1 : 0 } ?? (min(window, most ?? window) - inFlight)
        }

        /// After a pause a wide window is no longer known to be right.
        mutating func narrowAfterPause(at now: Timestamp) {
            guard inFlight == 0, now - usedAt >= Self.pause else { return }
            window = min(window, Self.windowAfterPause)
        }

        /// Learns from the end of an attempt; ``inFlight`` no longer counts it.
        mutating func learn(_ signal: Signal, took: Duration, at now: Timestamp) {
            usedAt = now
            if foreign > 0 {
                foreign -= 1
                return
            }
            let isOutdated = outdated > 0
            if isOutdated { outdated -= 1 }
            let isSlow = signal == .timedOut || took > AttemptRunner.timeLimit
            standing = isSlow ? .failing : took < Self.quick ? .quick : .sluggish
            switch signal {
            case .succeeded:
                count(at: now)
                if !isOutdated { grow(took) }
            case .neutral: break
            case .overloaded, .timedOut: shrink(to: window / 2)
            case .refused(let until):
                holdUntil = max(holdUntil ?? until, until)
                if isOutdated { return }
                shrink(to: window / 2)
                outdated = inFlight
            }
        }

        private mutating func grow(_ duration: Duration) {
            // With one request at a time nothing waits inside of the receiver: that is how long it takes by now.
            let shortest = window == 1 ? duration : min(shortest ?? duration, duration)
            self.shortest = shortest
            // A window that is not used says nothing of itself.
            guard (inFlight + 1) * 2 >= window else { return }
            if duration <= shortest * 1.5 + Self.noise { near += 1 } else { far += 1 }
            if far >= max(1, window / 4) {
                shrink(to: window * 3 / 4)
                outdated = inFlight
            } else if near + far >= (isProbing ? window : max(window, Self.cautiousRound)) {
                window = min(isProbing ? window * 2 : window + max(1, window / 8), lastWindow)
                (near, far) = (0, 0)
            }
        }

        private mutating func shrink(to smaller: Int) {
            window = max(smaller, 1)
            isProbing = false
            (near, far) = (0, 0)
        }

        private mutating func count(at now: Timestamp) {
            let age = now - secondBegan
            if age >= .seconds(1) || age < .zero {
                lastSuccesses = age < .seconds(2) ? successes : 0
                successes = 0
                secondBegan = now
            }
            successes += 1
        }

        /// Successes in the last second.
        func recentRate(at now: Timestamp) -> Int {
            now - secondBegan < .seconds(2) ? max(successes, lastSuccesses) : 0
        }

        /// An answer within a second is a quick one.
        private static let quick: Duration = .seconds(1)
        /// 50 ms: differences below that are no queue, but the network's and this machine's own.
        private static let noise: Duration = .milliseconds(50)
        /// 16 answers before a window that was once too wide is widened again.
        private static let cautiousRound = 16
        /// After 5 s without an attempt a window is 16 at most.
        private static let pause: Duration = .seconds(5)
        private static let windowAfterPause = 16
    }
}
