import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Sends the pushes that are due, and stores what Firebase said of each.
///
/// One push is made for each attempt of a message. A failure that may pass is tried again after 1, 2, 4, ... 60 s for as
/// long as the attempt lasts; a crash between sending and storing repeats a push, which the phone does not notice.
struct PushSender: Service {
    let store: any Store
    let client: FCMClient
    let logger: Logger

    /// A push with all that sending it needs.
    private struct Job: Sendable {
        let push: Push
        let token: String
    }

    /// Sends until graceful shutdown; then ends what is being sent and returns.
    func run() async throws {
        let wakeups = store.wakeups
        await withGracefulShutdownHandler {
            var isFailing = false
            while !Task.isShuttingDownGracefully && !Task.isCancelled {
                var pause = Duration.seconds(1)
                do {
                    pause = try await sendDue()
                    isFailing = false
                } catch {
                    if !isFailing { logger.error("pushes cannot be sent", metadata: ["error": "\(error)"]) }
                    isFailing = true
                }
                if pause > .zero { await wakeups.wait(for: .pushes, atMost: pause) }
            }
        } onGracefulShutdown: {
            wakeups.signal(.pushes)
        }
    }

    /// Sends one batch; gives how long there is nothing to do, a second at most.
    private func sendDue() async throws -> Duration {
        let (jobs, isFull, wait) = try await store.write(.maintenance) { tx in
            let claimed = try PushQueries.claim(limit: Self.batch, until: tx.now + Self.lease, in: tx)
            let jobs = try claimed.compactMap { try Self.job(of: $0, in: tx) }
            let wait = try PushQueries.nextDue(in: tx).map { $0 - tx.now } ?? .seconds(1)
            return (jobs, claimed.count == Self.batch, wait)
        }
        let results = await withTaskGroup(of: (Job, FCMClient.Answer).self) { group in
            for job in jobs {
                group.addTask { (job, await client.send(job.push.body(token: job.token))) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        if !results.isEmpty {
            try await store.write(.engine) { tx in
                for (job, answer) in results { try Self.record(answer, of: job, in: tx) }
            }
        }
        return isFull ? .zero : min(max(wait, .zero), .seconds(1))
    }

    /// What is to be sent; nil when the push is over before it is sent.
    private static func job(of push: Push, in tx: any Transaction) throws -> Job? {
        let message = try push.messageID.flatMap { try MessageQueries.find($0, userID: push.userID, in: tx) }
        if push.messageID != nil {
            guard let message, message.sendAttemptCount == push.attempt,
                MessageTransition.outstanding.contains(message.status), message.expiresAt.map({ $0 > tx.now }) ?? false
            else {
                try PushQueries.end(push, as: .cancelled, in: tx)
                return nil
            }
        }
        guard let token = try PhoneQueries.find(push.phoneID, in: tx)?.fcmToken else {
            let reason = "phone with id [\(push.phoneID)] has no FCM token"
            try PushQueries.end(push, as: .failed, error: reason, in: tx)
            if let message { try MessageOperations.fail(message, because: reason, in: tx) }
            return nil
        }
        return Job(push: push, token: token)
    }

    private static func record(_ answer: FCMClient.Answer, of job: Job, in tx: any Transaction) throws {
        let push = job.push
        switch answer {
        case .taken:
            try PushQueries.end(push, as: .sent, in: tx)
        case .failed(let error, let retryAfter):
            // 1, 2, 4, ... 32, 60 s.
            let delay = Duration.seconds(min(60, 1 << min(push.tryCount - 1, 6)))
            let dueAt = tx.now + max(delay, min(retryAfter ?? .zero, .seconds(60)))
            if dueAt < push.createdAt + push.lifetime {
                try PushQueries.retry(push, at: dueAt, error: error, in: tx)
            } else {
                try PushQueries.end(push, as: .cancelled, error: error, in: tx)
            }
        case .tokenIsDead(let error):
            try PhoneQueries.dropToken(job.token, of: push.phoneID, because: error, in: tx)
            try giveUp(push, error, in: tx)
        case .refused(let error):
            try giveUp(push, error, in: tx)
        }
    }

    private static func giveUp(_ push: Push, _ error: String, in tx: any Transaction) throws {
        guard try PushQueries.end(push, as: .failed, error: error, in: tx), let id = push.messageID,
            let message = try MessageQueries.find(id, userID: push.userID, in: tx),
            MessageTransition.outstanding.contains(message.status), message.sendAttemptCount == push.attempt
        else { return }
        try MessageOperations.fail(
            message,
            because: """
                cannot send notification to your phone [\(message.owner)]. Reinstall the httpSMS app on your Android phone.
                """, in: tx)
    }

    /// Pushes in flight.
    private static let batch = 32

    /// 30 s: three times the deadline of a push.
    private static let lease: Duration = .seconds(30)
}
