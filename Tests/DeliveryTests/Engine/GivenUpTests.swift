import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Requests that the server itself gives up: their receivers may have read them.
@Suite(.timeLimit(.minutes(15))) struct GivenUpTests {
    /// Each start makes one request, which hangs until the server is stopped.
    @Test(arguments: Engine.enabled) func restartsMakeNoSixthRequest(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.plan.timeout = .seconds(30) }
            try await harness.emit()
            let gate = Gate()
            let sender = ScriptedSender(isWritten: true) { _, _ in await gate.outcome(.response(statusCode: 200)) }

            for start in 1...5 {
                try await harness.serving(sender) { try await sender.untilSent(start) }
                #expect(try await harness.attempts(of: endpoint) == (1...start).map { "\($0) cancelled" })
                harness.clock.advance(by: .seconds(3_600))
            }
            try await harness.serving(sender) { try await harness.look() }

            #expect(sender.requests.map { $0.header("X-Httpsms-Attempt") } == ["1", "2", "3", "4", "5"])
            let delivery = try #require(try await harness.deliveries(to: endpoint).first)
            #expect(delivery.state == .failed && delivery.lastError == "cancelled")
        }
    }

    @Test(arguments: Engine.enabled) func whatWasNotWrittenIsHandedBackAtShutdown(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.plan.timeout = .seconds(30) }
            try await harness.emit()
            let gate = Gate()
            let sender = ScriptedSender { _, _ in await gate.outcome(.response(statusCode: 200)) }

            for start in 1...7 { try await harness.serving(sender) { try await sender.untilSent(start) } }

            let delivery = try #require(try await harness.deliveries(to: endpoint).first)
            #expect(delivery.state == .pending && delivery.step == 0)
            #expect(try await harness.attempts(of: endpoint).isEmpty)
            #expect(Set(sender.requests.map { $0.header("X-Httpsms-Attempt") }) == ["1"])
        }
    }

    /// It says nothing of the receiver: neither is its window narrowed nor its fallback used.
    @Test func whatIsGivenUpIsNoFaultOfTheReceiver() async throws {
        let clock = ManualClock()
        let sender = ScriptedSender(isWritten: true) { _, _ in .failure(AttemptFailure(.cancelled)) }
        let runner = AttemptRunner(sender: sender, schedule: .standard, clock: clock, version: "1")
        let now = clock.now()
        var endpoint = Endpoint(
            id: EndpointID(at: now), userID: EngineHarness.userID, url: "https://receiver.example/", signingKey: nil,
            eventTypes: [], owners: [], createdAt: now, updatedAt: now)
        endpoint.plan.fallback = Fallback(url: "https://other.example/", after: .zero)
        let claim = ClaimedDelivery(
            id: DeliveryID(at: now), lease: Lease(at: now), eventID: EventID(trusted: "event"), endpointID: endpoint.id,
            eventType: "phone.heartbeat.offline", sequence: 1, attempt: 1, step: 0, createdAt: now,
            body: Array("{}".utf8))

        guard case .made(let attempt) = await runner.attempt(claim, to: endpoint) else {
            Issue.record("it does not count")
            return
        }

        #expect(ReadySet.Signal(attempt) == .neutral)
        #expect(!attempt.isAboutURL && attempt.hold == nil)
        guard case .retry(let at) = attempt.verdict else {
            Issue.record("\(attempt.verdict)")
            return
        }
        #expect((.seconds(2) ... .milliseconds(2_400)).contains(at - now))
    }
}

extension EngineHarness {
    /// Runs a server's dispatcher beside `body`, then has it shut down gracefully; the waits of the dispatcher take no time.
    fileprivate func serving(_ sender: any WebhookSender, _ body: () async throws -> Void) async throws {
        let dispatcher = Dispatcher(
            store: store, endpoints: endpoints,
            runner: AttemptRunner(sender: sender, schedule: .standard, clock: clock, version: "1.2.3"),
            lease: OwnLease(Lease(at: clock.now()), clock: clock), clock: HastyClock(base: clock), limits: .forTests,
            logger: Self.logger)
        try await running(dispatcher) { _ in try await body() }
    }
}

/// The clock of a test, by which nobody waits.
private struct HastyClock: WallClock {
    let base: ManualClock

    func now() -> Timestamp { base.now() }
    func boot() -> ContinuousClock.Instant { base.boot() }
    func instants() -> Instants { base.instants() }
    func sleep(for duration: Duration) async throws { try Task.checkCancellation() }
}
