import HTTPSMSWebhooks
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Events go to the second URL of an endpoint while its own is out, and nowhere else.
@Suite(.timeLimit(.minutes(15))) struct FallbackTests {
    @Test(arguments: Engine.enabled) func eventsGoToTheFallbackWhileTheURLIsOut(engine: Engine) async throws {
        try await withReceivers(engine) { harness, receivers in
            try await harness.emit()
            #expect(try await receivers.turn() == ["own"])
            // Not out for long enough yet.
            harness.clock.advance(by: .seconds(50))
            #expect(try await receivers.turn(.retry) == ["own"])

            harness.clock.advance(by: .seconds(50))
            #expect(try await receivers.turn(.retry) == ["fallback"])
            // Of what is new, one a minute is to see whether the own URL still is out; it has retries left.
            try await harness.emit(3)
            #expect(try await receivers.turn() == ["own", "fallback", "fallback"])
            try await harness.emit(2)
            #expect(try await receivers.turn() == ["fallback", "fallback"])
            harness.clock.advance(by: .seconds(60))
            #expect(try await receivers.turn(.retry) == ["fallback"])
            #expect(try await harness.count(.succeeded) == 6)

            receivers.answerOwn(.response(statusCode: 204))
            try await harness.emit(2)
            #expect(try await receivers.turn().sorted() == ["fallback", "own"])
            try await harness.emit(2)
            #expect(try await receivers.turn() == ["own", "own"])
            #expect(try await harness.count(.succeeded) == 10)
            #expect(try await receivers.fallbackUse() == nil)
        }
    }

    @Test(arguments: [
        AttemptOutcome.failure(AttemptFailure(.timeout)), .failure(AttemptFailure(.connectFailed)),
        .failure(AttemptFailure(.dnsFailed)), .response(statusCode: 500), .response(statusCode: 503),
    ]) func whateverHasNobodyAnswerIsAnOutage(outcome: AttemptOutcome) async throws {
        try await withReceivers(.sqlite, after: .zero) { harness, receivers in
            receivers.answerOwn(outcome)
            try await harness.emit()
            #expect(try await receivers.turn() == ["own"])
            harness.clock.advance(by: .seconds(50))
            #expect(try await receivers.turn(.retry) == ["fallback"])
        }
    }

    @Test(arguments: [400, 404, 429, 302]) func aReceiverThatAnswersIsNotOut(status: Int) async throws {
        try await withReceivers(.sqlite, after: .zero) { harness, receivers in
            receivers.answerOwn(.response(statusCode: status))
            try await harness.emit()
            #expect(try await receivers.turn() == ["own"])
            #expect(try await receivers.fallbackUse() == nil)
        }
    }

    @Test func whatAnOutagesAnswerAsksForDoesNotHoldTheFallbackUp() async throws {
        try await withReceivers(.sqlite, after: .seconds(10)) { harness, receivers in
            receivers.retryAfter = "3600"
            try await harness.emit(2)
            #expect(try await receivers.turn() == ["own", "own"])
            harness.clock.advance(by: .seconds(50))
            #expect(try await receivers.turn(.retry) == ["fallback", "fallback"])
            // Nor does that of the trial.
            try await harness.emit(2)
            #expect(try await receivers.turn() == ["own", "fallback"])
            try await harness.emit(2)
            #expect(try await receivers.turn() == ["fallback", "fallback"])
        }
    }

    @Test func theFallbackIsHeardItself() async throws {
        try await withReceivers(.sqlite, after: .zero) { harness, receivers in
            try await harness.emit()
            _ = try await receivers.turn()
            harness.clock.advance(by: .seconds(50))
            receivers.answerFallback(.response(statusCode: 429))
            receivers.retryAfter = "300"
            #expect(try await receivers.turn(.retry) == ["fallback"])
            try await harness.emit()
            #expect(try await receivers.turn() == [])
            harness.clock.advance(by: .seconds(400))
            receivers.answerFallback(.response(statusCode: 200))
            receivers.retryAfter = nil
            #expect(try await receivers.turn(.retry) == ["fallback"])
        }
    }

    @Test func aTrialIsNobodysLastTry() async throws {
        try await withReceivers(.sqlite, after: .zero, retries: []) { harness, receivers in
            try await harness.emit()
            #expect(try await receivers.turn() == ["own"])
            #expect(try await harness.count(.failed) == 1)
            try await harness.emit()
            #expect(try await receivers.turn() == ["own"])
            harness.clock.advance(by: .seconds(2))
            #expect(try await receivers.turn(.retry) == ["fallback"])
            #expect(try await harness.count(.succeeded) == 1)
        }
    }

    @Test func anotherURLIsNotOut() async throws {
        try await withReceivers(.sqlite, after: .zero) { harness, receivers in
            try await harness.emit()
            _ = try await receivers.turn()
            #expect(try await receivers.fallbackUse() != nil)
            try await harness.change(receivers.endpoint) { $0.headers = .none }
            #expect(try await receivers.fallbackUse() != nil)
            try await harness.change(receivers.endpoint) { $0.url = "https://own.example/new" }
            #expect(try await receivers.fallbackUse() == nil)

            // Nor is one of which nothing was noted for a while.
            try await harness.emit()
            _ = try await receivers.turn()
            #expect(try await receivers.fallbackUse() != nil)
            try await harness.change(receivers.endpoint) { $0.plan.fallback = nil }
            try await harness.change(receivers.endpoint) {
                $0.plan.fallback = Fallback(url: "https://fallback.example/hook", after: .zero)
            }
            #expect(try await receivers.fallbackUse() == nil)
        }
    }

    @Test func aClockThatIsSetBackEndsNoOutageAndBeginsNone() throws {
        let fallback = Fallback(url: "https://fallback.example/", after: .seconds(60))
        let start = Timestamp(seconds: 1_000_000)
        let down = AttemptResult(outcome: .response(statusCode: 500))
        let up = AttemptResult(outcome: .response(statusCode: 200))
        let outage = Outage().after(down, on: .own, startedAt: start)

        #expect(outage.wait(for: fallback, at: start - .seconds(86_400)) == .seconds(60))
        #expect(outage.after(down, on: .own, startedAt: start - .seconds(86_400)).since == start - .seconds(86_400))
        // What began before it says nothing.
        #expect(outage.after(up, on: .own, startedAt: start - .seconds(1)) == outage)
        #expect(outage.after(up, on: .own, startedAt: start) == Outage())
        #expect(outage.after(up, on: .fallback, startedAt: start + .seconds(1)) == outage)
        var tried = outage
        tried.triedAt = start + .seconds(86_400)
        #expect(tried.isTrialDue(at: start))
    }

    @Test(arguments: Engine.enabled) func twoNodesMakeOneTrial(engine: Engine) async throws {
        try await withReceivers(engine, after: .zero) { harness, receivers in
            try await harness.emit()
            _ = try await receivers.turn()
            try await harness.emit(40)
            async let first = receivers.turn()
            async let second = receivers.turn()
            let hosts = try await first + second
            #expect(hosts.count { $0 == "own" } == 1 && hosts.count { $0 == "fallback" } >= 15, "\(hosts)")
        }
    }

    private func withReceivers(
        _ engine: Engine, after: Duration = .seconds(60), retries: [Duration] = [.seconds(40), .seconds(40)],
        _ body: (EngineHarness, Receivers) async throws -> Void
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint("https://own.example/hook")
            let schedule = try #require(RetrySchedule(own: retries))
            try await harness.change(endpoint) { endpoint in
                endpoint.plan.fallback = Fallback(url: "https://fallback.example/hook", after: after)
                endpoint.plan.schedule = schedule
            }
            try await body(harness, Receivers(harness: harness, endpoint: endpoint))
        }
    }
}

/// Two receivers, and turns of a node that sends to them.
private final class Receivers: Sendable {
    let harness: EngineHarness
    let endpoint: EndpointID
    private let answers = Mutex<(own: AttemptOutcome, fallback: AttemptOutcome, retryAfter: String?)>(
        (.response(statusCode: 503), .response(statusCode: 200), nil))

    init(harness: EngineHarness, endpoint: EndpointID) {
        self.harness = harness
        self.endpoint = endpoint
    }

    func answerOwn(_ outcome: AttemptOutcome) { answers.withLock { $0.own = outcome } }

    func answerFallback(_ outcome: AttemptOutcome) { answers.withLock { $0.fallback = outcome } }

    /// What those say that do not take an event.
    var retryAfter: String? {
        get { answers.withLock { $0.retryAfter } }
        set { answers.withLock { $0.retryAfter = newValue } }
    }

    func fallbackUse() async throws -> Timestamp? {
        try await harness.store.read { [endpoint, harness] tx in
            try harness.endpoints.find(endpoint, userID: EngineHarness.userID, in: tx)?
                .fallbackUse(at: harness.clock.now())
        }
    }

    /// Claims what is due, sends and stores it as the dispatcher does; says where it went, in order.
    func turn(_ lane: DeliveryLane = .first) async throws -> [String] {
        let (lease, now) = (Lease(at: harness.clock.now()), harness.clock.now())
        let request = ReadySet.Request(endpoint: endpoint, lane: lane, limit: 16)
        let claimed = try await harness.store.write(.engine) {
            [work = DispatcherWork(endpoints: harness.endpoints)] tx in
            try work.claim([request], lease: lease, at: now, in: tx)
        }
        guard case .taken(let endpoint, let deliveries, _) = claimed.first else { return [] }
        let sender = Sender(self)
        let runner = AttemptRunner(sender: sender, schedule: .standard, clock: harness.clock, version: "1.2.3")
        var results: [RecordedAttempt] = []
        for delivery in deliveries {
            guard case .made(let result) = await runner.attempt(delivery, to: endpoint) else { continue }
            results.append(result)
        }
        let stored = try await harness.store.write(.engine) { [results] tx in
            try ResultQueries.record(results.sorted { $0.claim.id < $1.claim.id }, in: tx)
        }
        #expect(stored.refused.isEmpty)
        try await harness.fold()
        return sender.hosts
    }

    private final class Sender: WebhookSender {
        private let receivers: Receivers
        private let sent = Mutex<[String]>([])

        init(_ receivers: Receivers) { self.receivers = receivers }

        var hosts: [String] { sent.withLock(\.self) }

        func send(_ request: WebhookRequest, within limit: Duration) async -> AttemptResult {
            let isOwn = request.url.host == "own.example"
            sent.withLock { $0.append(isOwn ? "own" : "fallback") }
            return receivers.answers.withLock { answers in
                let headers = answers.retryAfter.map { [(name: "Retry-After", value: $0)] } ?? []
                let outcome = isOwn ? answers.own : answers.fallback
                return AttemptResult(outcome: outcome, responseHeaders: headers)
            }
        }
    }
}
