import Delivery
import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Sends the pushes that are due, and stores what the service said of each.
///
/// Each push has a place from its claim until its result is stored, and a place that becomes free is given away at once: one
/// that takes long keeps no other waiting. An account has a quarter of the places at most. All accounts share
/// what the operator set up, so that needs no share of its own.
///
/// One push is made for each attempt of a message. A failure that may pass is tried again after 1, 2, 4, ... 60 s for as
/// long as the attempt lasts; a crash between sending and storing repeats a push, which the phone does not notice.
struct PushSender: Service {
    let store: any Store
    let transports: [PushKind: any PushTransport]
    /// Says whether the time of day was set.
    let clocks: ClockGuard
    let unreadable: UnreadableRows
    let logger: Logger
    private let troubles = PushTroubles()

    init(
        store: any Store, transports: [PushKind: any PushTransport], clocks: ClockGuard, unreadable: UnreadableRows,
        logger: Logger
    ) {
        self.store = store
        self.transports = transports
        self.clocks = clocks
        self.unreadable = unreadable
        self.logger = logger
    }

    /// A push with all that sending it needs.
    private struct Job: Sendable {
        let push: Push
        let address: PushAddress
        let transport: any PushTransport
        /// What is said of the phone so far.
        let phoneError: String?
    }

    /// Sends until graceful shutdown; then ends what is being sent and returns.
    func run() async throws {
        let wakeups = store.wakeups
        let places = AccountPlaces(Self.places, each: Self.placesOfAccount)
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                var isFailing = false
                while !Task.isShuttingDownGracefully && !Task.isCancelled {
                    var pause = Duration.seconds(1)
                    do {
                        let (jobs, wait) = try await claim(places)
                        for job in jobs {
                            places.take(job.push.userID)
                            group.addTask {
                                await send(job)
                                places.leave(job.push.userID)
                                wakeups.signal(.pushes)
                            }
                        }
                        pause = min(max(wait, .zero), pause)
                        isFailing = false
                    } catch {
                        if !isFailing { logger.error("pushes cannot be sent", metadata: ["error": "\(error)"]) }
                        isFailing = true
                    }
                    if pause > .zero { await wakeups.wait(for: .pushes, atMost: pause) }
                }
            }
        } onGracefulShutdown: {
            wakeups.signal(.pushes)
        }
    }

    /// Takes as many of the due pushes as there are places; gives also how long there is nothing to do.
    private func claim(_ places: AccountPlaces) async throws -> ([Job], Duration) {
        let shares = places.shares
        // No place: the first one that becomes free wakes us.
        if shares.free == 0 { return ([], .seconds(1)) }
        return try await store.write(.maintenance) { [transports, clocks, unreadable] tx in
            var left = shares
            var jobs: [Job] = []
            for userID in left.inTurn(try PushQueries.usersWithDue(in: tx)) {
                guard left.free > 0 else { break }
                let rows = try PushQueries.due(
                    of: userID, limit: left.room(for: userID), lead: clocks.lead(within: Self.longestWait), in: tx)
                try tx.each(rows) { row in
                    let push = try PushQueries.claim(row, until: tx.now + Self.lease, in: tx)
                    let lead = clocks.lead(within: push.lifetime)
                    guard let job = try Self.job(of: push, over: transports, at: tx.now - lead, in: tx) else { return }
                    if !jobs.contains(where: { $0.push.id == push.id }) { jobs.append(job) }
                } passOver: { row, error in
                    let id: PushID = try row.get("id")
                    jobs.removeAll { $0.push.id == id }
                    try PushQueries.postpone(id, until: tx.now + UnreadableRows.pause, in: tx)
                    unreadable.note("push", id.text, error, in: tx)
                }
                left.take(userID, jobs.count { $0.push.userID == userID })
            }
            let next = left.free > 0 ? try PushQueries.nextDue(in: tx) : nil
            // What is due and was not taken waits for a place of its account.
            let wait = next.map { $0 > tx.now ? $0 - tx.now : .seconds(1) } ?? .seconds(1)
            return (jobs, wait)
        }
    }

    /// Sends one push, and stores what came of it. What cannot be stored is sent again when its lease is over.
    private func send(_ job: Job) async {
        let answer = await job.transport.send(job.push, to: job.address.token)
        do {
            let changesPhone = try await store.write(.engine) { [clocks] tx in
                tx.count("pushes", answer.outcome.rawValue)
                return try Self.record(answer, of: job, lead: clocks.lead(within: job.push.lifetime), in: tx)
            }
            troubles.note(answer, of: job.address.kind, phone: job.push.phoneID, isNew: changesPhone, logger: logger)
        } catch {
            logger.error(
                "result of a push not stored", metadata: ["push_id": "\(job.push.id)", "error": "\(error)"])
        }
    }

    /// What is to be sent; nil when the push is over at `now`, before it is sent.
    private static func job(
        of push: Push, over transports: [PushKind: any PushTransport], at now: Timestamp, in tx: any Transaction
    ) throws -> Job? {
        let message = try push.messageID.flatMap { try MessageQueries.find($0, userID: push.userID, in: tx) }
        if push.messageID != nil {
            guard let message, message.sendAttemptCount == push.attempt,
                MessageTransition.outstanding.contains(message.status), message.expiresAt.map({ $0 > now }) ?? false
            else {
                try PushQueries.end(push, as: .cancelled, in: tx)
                return nil
            }
        }
        let phone = try PhoneQueries.find(push.phoneID, in: tx)
        // Another app has the number by now; it was told when it took the number, and fetches what waits.
        if case .device? = phone?.transport {
            try PushQueries.end(push, as: .cancelled, in: tx)
            return nil
        }
        guard let phone, case .push(let address) = phone.transport else {
            try fail(push, message, because: PhoneReach.Lack.token(push.phoneID, nil).reason, in: tx)
            return nil
        }
        guard let transport = transports[address.kind] else {
            try fail(push, message, because: PhoneReach.Lack.service(address.kind).reason, in: tx)
            return nil
        }
        return Job(push: push, address: address, transport: transport, phoneError: phone.pushError)
    }

    /// Ends a push that cannot be sent, and its message.
    private static func fail(
        _ push: Push, _ message: Message?, because reason: String, in tx: any Transaction
    ) throws {
        try PushQueries.end(push, as: .failed, error: reason, in: tx)
        if let message { try MessageOperations.fail(message, because: reason, in: tx) }
    }

    /// Stores what came of a push; gives whether that is news of its phone. `lead` is how far the time of day ran ahead of what
    /// waits.
    private static func record(
        _ answer: PushAnswer, of job: Job, lead: Duration, in tx: any Transaction
    ) throws -> Bool {
        let push = job.push
        func say(_ error: String?) throws -> Bool {
            if error == job.phoneError { return false }
            return try PhoneQueries.notePushError(error, of: push.phoneID, address: job.address, in: tx)
        }
        switch answer {
        case .taken:
            try PushQueries.end(push, as: .sent, in: tx)
            return try say(nil)
        case .failed(let error, let retryAfter):
            try retry(push, after: retryAfter, error, lead: lead, in: tx)
            return false
        case .unauthorized(let error):
            let patience = push.createdAt + patienceWithAccount + lead
            let reason = "\(job.address.kind.name) refuses the credentials of this server. \(error)"
            if tx.now < patience {
                try retry(push, after: nil, error, lead: lead, notLaterThan: patience, in: tx)
            } else {
                try giveUp(push, error, because: reason, in: tx)
            }
            return try say(reason)
        case .tokenIsDead(let error):
            try PhoneQueries.drop(job.address, of: push.phoneID, because: error, in: tx)
            try giveUp(push, error, because: job.address.kind.renewal, in: tx)
            return true
        case .foreignToken(let error):
            let reason = "\(job.address.kind.foreign) \(error)"
            try giveUp(push, error, because: reason, in: tx)
            return try say(reason)
        case .refused(let error):
            try giveUp(push, error, because: "\(job.address.kind.renewal) \(error)", in: tx)
            return try say(error)
        }
    }

    /// Tries a push again after 1, 2, 4, ... 32, 60 s, or ends it when its time is over by then.
    private static func retry(
        _ push: Push, after least: Duration?, _ error: String, lead: Duration,
        notLaterThan latest: Timestamp = .last, in tx: any Transaction
    ) throws {
        let delay = Duration.seconds(min(60, 1 << min(max(push.tryCount - 1, 0), 6)))
        let dueAt = min(tx.now + max(delay, min(least ?? .zero, longestWait)), latest)
        if dueAt - lead < push.createdAt + push.lifetime {
            try PushQueries.retry(push, at: dueAt, error: error, in: tx)
        } else {
            try PushQueries.end(push, as: .cancelled, error: error, in: tx)
        }
    }

    private static func giveUp(_ push: Push, _ error: String, because reason: String, in tx: any Transaction) throws {
        guard try PushQueries.end(push, as: .failed, error: error, in: tx), let id = push.messageID,
            let message = try MessageQueries.find(id, userID: push.userID, in: tx),
            MessageTransition.outstanding.contains(message.status), message.sendAttemptCount == push.attempt
        else { return }
        try MessageOperations.fail(
            message, because: "cannot send notification to your phone [\(message.owner)]. \(reason)", in: tx)
    }

    /// How long wrong credentials may be set right before messages fail.
    private static let patienceWithAccount: Duration = .seconds(60)

    /// Pushes in flight; as many connections may be open.
    static let places = 64
    /// Of one account.
    static let placesOfAccount = 16
    /// 30 s: three times the deadline of a push.
    private static let lease: Duration = .seconds(30)
    /// The longest between two tries, also where a service asks for more.
    static let longestWait: Duration = .seconds(60)
}
