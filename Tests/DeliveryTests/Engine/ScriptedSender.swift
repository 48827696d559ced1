import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// Answers every request by a script, and remembers them, all but the probes of ``EngineHarness/look()``.
final class ScriptedSender: WebhookSender {
    /// Gives the outcome of the `number`th request, 1 for the first; may wait.
    typealias Script = @Sendable (_ request: WebhookRequest, _ number: Int) async -> AttemptOutcome

    private let script: Script
    /// Whether receivers may have read what is cancelled.
    private let isWritten: Bool
    private let sent = Mutex<[(request: WebhookRequest, limit: Duration)]>([])

    init(isWritten: Bool = false, _ script: @escaping Script) {
        self.script = script
        self.isWritten = isWritten
    }

    /// Answers everything with `statusCode`.
    convenience init(_ statusCode: Int) {
        self.init { _, _ in .response(statusCode: statusCode) }
    }

    /// What was sent so far, in order.
    var requests: [WebhookRequest] { sent.withLock { $0.map(\.request) } }

    /// How long each was given.
    var limits: [Duration] { sent.withLock { $0.map(\.limit) } }

    /// Where it went.
    var hosts: [String] { requests.map { $0.url.host } }

    func send(_ request: WebhookRequest, within limit: Duration) async -> AttemptResult {
        if request.url.host == EngineHarness.probeHost {
            return AttemptResult(outcome: .response(statusCode: 200))
        }
        let number = sent.withLock { sent in
            sent.append((request, limit))
            return sent.count
        }
        var result = AttemptResult(outcome: await script(request, number), duration: .milliseconds(7))
        result.isWritten = isWritten
        return result
    }

    /// Returns once `count` requests were sent.
    func untilSent(_ count: Int) async throws {
        try await until("\(count) requests are sent") { requests.count >= count }
    }
}

extension WebhookRequest {
    /// The value of the header field `name`; nil when it is not there.
    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}

/// Holds attempts back until the test opens it; cancelling an attempt that waits ends it as the real sender does.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    /// Lets everybody through from now on.
    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Gives `outcome` once the gate is open, or `cancelled` when the task is.
    func outcome(_ outcome: AttemptOutcome) async -> AttemptOutcome {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
        return Task.isCancelled ? .failure(AttemptFailure(.cancelled)) : outcome
    }
}
