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
        /// Its last attempt used up its time, or, after a start of the server, the last one before failed.
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
        /// Nothing goes before this: the endpoint asked for less.
        private(set) var holdUntil: Timestamp?
        /// How often it is sent to; nil until it asked for less.
        private(set) var pace: Pace?

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
        /// Refusals in a row, without one success between them.
        private var refusals = 0
        /// Successes in the second that began then, and in the one before.
        private var secondBegan: Timestamp
        private var successes = 0
        private var lastSuccesses = 0

        private let lastWindow: Int
        private let phase: Double

        init(_ limits: Limits, at now: Timestamp) {
            window = limits.firstWindow
            lastWindow = limits.lastWindow
            phase = limits.phase
            usedAt = now
            secondBegan = now
        }

        /// Takes what the store knows, unless attempts of this process have told more.
        mutating func learn(_ backlog: DeliveryQueries.Backlog, at now: Timestamp) {
            if standing == .unknown { standing = Standing(backlog) }
            if standing == .failing, shortest == nil { window = 1 }
            learnHold(backlog.holdUntil, at: now)
        }

        /// Takes the hold that is stored: another node was refused, when this one does not know of it, or this one was
        /// before its start.
        mutating func learnHold(_ stored: Timestamp?, at now: Timestamp) {
            guard let stored, stored > holdUntil ?? .first, stored > now, stored - now <= RetryAfter.longest else {
                return
            }
            hold(until: stored)
            slowDown(isNamed: true, at: now)
        }

        /// Forgets all but what is in flight: the endpoint was changed, and what an earlier version did says nothing.
        mutating func forget(_ limits: Limits, at now: Timestamp) {
            var new = Entry(limits, at: now)
            new.inFlight = inFlight
            new.foreign = inFlight
            new.isInRing = isInRing
            new.turns = turns
            (new.releaseAt, new.releaseVersion, new.isOrdered) = (releaseAt, releaseVersion, isOrdered)
            self = new
        }

        private mutating func hold(until time: Timestamp) {
            holdUntil = max(holdUntil ?? time, time)
        }

        /// When the next request may go by what the endpoint asked for; nil when that is now.
        func blockedUntil(at now: Timestamp) -> Timestamp? {
            // What lies further ahead than anybody can ask for was reckoned by a clock that has been set back since.
            let hold = holdUntil.flatMap { $0 > now && $0 - now <= RetryAfter.longest ? $0 : nil }
            let next = pace.flatMap { $0.allowance(at: now) == 0 ? $0.nextAt : nil }
            return [hold, next].compactMap { $0 }.max()
        }

        /// How many requests may go at `now` by window and pace.
        func allowance(at now: Timestamp) -> Int {
            guard blockedUntil(at: now) == nil else { return 0 }
            let room = releaseAt.map { inFlight == 0 && $0 <= now ? 1 : 0 } ?? (window - inFlight)
            return min(room, pace?.allowance(at: now) ?? room)
        }

        /// Counts requests that are about to go, or takes some back.
        mutating func spend(_ count: Int, at now: Timestamp) {
            inFlight += count
            pace?.spend(count, at: now)
        }

        /// After a pause a wide window is no longer known to be right.
        mutating func narrowAfterPause(at now: Timestamp) {
            guard inFlight == 0, now - usedAt >= Self.pause else { return }
            window = min(window, Self.windowAfterPause)
        }

        /// Learns from the end of an attempt; ``inFlight`` no longer counts it.
        mutating func learn(_ signal: Signal, at now: Timestamp) {
            usedAt = now
            if foreign > 0 {
                foreign -= 1
                return
            }
            let isOutdated = outdated > 0
            if isOutdated { outdated -= 1 }
            switch signal {
            case .succeeded(let duration):
                standing = duration < Self.quick ? .quick : .sluggish
                count(at: now)
                if !isOutdated { grow(duration) }
            case .neutral:
                if standing == .unknown || standing == .failing { standing = .quick }
            case .overloaded:
                standing = .quick
                shrink(to: window / 2)
            case .timedOut:
                standing = .failing
                shrink(to: window / 2)
            case .refused(let until, let isNamed):
                standing = .quick
                hold(until: until)
                if !isOutdated { slowDown(isNamed: isNamed, at: now) }
            }
        }

        private mutating func grow(_ duration: Duration) {
            refusals = 0
            pace?.grow()
            if pace?.isOver == true { pace = nil }
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

        /// The first refusal after a success says that the pace was too high; more of them, that it needs time.
        private mutating func slowDown(isNamed: Bool, at now: Timestamp) {
            if refusals == 0 {
                if pace != nil { pace?.halve() } else { pace = Pace(refused: measuredRate(at: now), at: now) }
            }
            if !isNamed {
                let wait = max(.seconds(1), .seconds(1 / (pace?.rate ?? 1))) * (1 << min(refusals, 6))
                hold(until: now + min(wait, Self.longestHold))
            }
            refusals = min(refusals + 1, 1_000)
            pace?.wait(until: holdUntil ?? now, phase: phase)
            shrink(to: window / 2)
            outdated = inFlight
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

        private func measuredRate(at now: Timestamp) -> Double {
            now - secondBegan < .seconds(2) ? Double(max(successes, lastSuccesses)) : 1
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
        /// A minute between attempts at an endpoint that refuses them all and does not say for how long.
        private static let longestHold: Duration = .seconds(60)
    }
}
