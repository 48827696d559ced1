import Foundation
import HTTPSMSWebhooks
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Timestamps

/// A webhook receiver as a user would write it: verifies the JWT, decodes the CloudEvent, answers at once.
final class DemonstrationReceiver: Sendable {
    /// An event as it arrived.
    struct Arrival: Sendable {
        let type: String
        let id: String
        /// The CloudEvent's `time`.
        let time: Timestamp
        let arrivedAt: Timestamp
        /// Why it did not verify; nil when it did.
        let problem: String?
    }

    private struct State {
        var baseURL: String?
        var arrivals: [Arrival] = []
        var waiters: [(type: String, since: Timestamp, continuation: CheckedContinuation<Arrival?, Never>)] = []
    }

    let signingKey: String
    private let state = Mutex(State())

    init(signingKey: String) {
        self.signingKey = signingKey
    }

    /// Serves on a free port of loopback until the task is cancelled, without a word: the demonstration itself tells.
    func run(onListening: @escaping @Sendable (String) async -> Void) async throws {
        let router = Router()
        router.post("/webhooks") { request, _ in
            let body = try await request.body.collect(upTo: 1 << 20)
            await self.take(Array(body.readableBytesView), authorization: request.headers[.authorization])
            return HTTPResponse.Status.ok
        }
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                let url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/webhooks"
                self.state.withLock { $0.baseURL = url }
                await onListening(url)
            },
            logger: Logger(label: "receiver", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await application.run()
    }

    /// The next event of `type` that arrived after `since`; nil after `limit`.
    func arrival(of type: EventType, since: Timestamp, within limit: Duration) async -> Arrival? {
        await withTaskGroup(of: Arrival?.self) { group in
            group.addTask { await self.wait(for: type.rawValue, since: since) }
            group.addTask {
                try? await Task.sleep(for: limit)  // Cancelled when the event came first.
                return nil
            }
            let first = await group.next() ?? nil
            if first == nil { self.giveUp(type.rawValue) }
            group.cancelAll()
            return first
        }
    }

    private func wait(for type: String, since: Timestamp) async -> Arrival? {
        await withCheckedContinuation { continuation in
            let known: Arrival? = state.withLock { state in
                if let arrival = state.arrivals.first(where: { $0.type == type && $0.time >= since }) { return arrival }
                state.waiters.append((type, since, continuation))
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    private func giveUp(_ type: String) {
        let waiters = state.withLock { state in
            let waiters = state.waiters.filter { $0.type == type }
            state.waiters.removeAll { $0.type == type }
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }

    private func take(_ body: [UInt8], authorization: String?) async {
        let now = SystemClock().now()
        let url = state.withLock { $0.baseURL }
        let arrival: Arrival
        do {
            let event = try CloudEvent(decoding: body)
            var problem: String?
            do {
                _ = try await WebhookVerifier(signingKeys: [signingKey], audience: url)
                    .verify(authorization: authorization, now: now, leeway: .seconds(1))
            } catch {
                problem = "\(error)"
            }
            arrival = Arrival(
                type: event.payload.type, id: event.id, time: event.time, arrivedAt: now, problem: problem)
        } catch {
            arrival = Arrival(type: "?", id: "?", time: now, arrivedAt: now, problem: "\(error)")
        }
        let waiters = state.withLock { state in
            state.arrivals = state.arrivals.suffix(1_000) + [arrival]
            let waiters = state.waiters.filter { $0.type == arrival.type && arrival.time >= $0.since }
            state.waiters.removeAll { $0.type == arrival.type && arrival.time >= $0.since }
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: arrival) }
    }
}
