import HTTPSMSWebhooks
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// An endpoint at which every attempt fails for five days, with at least 50 failures, is disabled.
@Suite(.timeLimit(.minutes(15))) struct EndpointHealthTests {
    @Test(arguments: Engine.enabled) func fiveDaysAndFiftyFailuresDisable(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()

            try await harness.fail(endpoint, times: 49)
            harness.clock.advance(by: .seconds(5 * 86_400 + 1))
            try await harness.emit(2)
            #expect(try await harness.status(of: endpoint).0 == .active)

            try await harness.fail(endpoint, times: 1)

            let (status, reason) = try await harness.status(of: endpoint)
            #expect(status == .disabled)
            #expect(reason?.hasPrefix("failing: every attempt since 2026-07-22T10:15:29.8") == true, "\(reason ?? "")")
        }
    }

    /// Failures, then the pause, then failures again; whether the last one disables.
    @Test(
        arguments: [
            (first: 60, days: 4, last: 10, isDisabled: false), (10, 5, 39, false), (10, 5, 40, true),
            (1, 400, 48, false), (1, 400, 49, true),
        ] as [(Int, Int, Int, Bool)])
    func bothBoundsMustBeReached(first: Int, days: Int, last: Int, isDisabled: Bool) async throws {
        try await withEngine(.sqlite) { harness in
            let endpoint = try await harness.addEndpoint()

            try await harness.fail(endpoint, times: first)
            harness.clock.advance(by: .seconds(days * 86_400))
            try await harness.fail(endpoint, times: last)

            #expect(try await harness.status(of: endpoint).0 == (isDisabled ? .disabled : .active))
        }
    }

    @Test(arguments: Engine.enabled) func oneSuccessStartsTheCountAnew(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.fail(endpoint, times: 60)
            harness.clock.advance(by: .seconds(4 * 86_400))

            try await harness.succeed(endpoint)
            harness.clock.advance(by: .seconds(2 * 86_400))
            try await harness.fail(endpoint, times: 60)

            #expect(try await harness.status(of: endpoint).0 == .active)
        }
    }

    @Test(arguments: Engine.enabled) func whatWasForgivenDoesNotDisableAgain(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.fail(endpoint, times: 60)
            harness.clock.advance(by: .seconds(6 * 86_400))
            try await harness.fail(endpoint, times: 1)
            #expect(try await harness.status(of: endpoint).0 == .disabled)

            try await harness.change(endpoint) { $0.status = .active }
            try await harness.fail(endpoint, times: 1)

            #expect(try await harness.status(of: endpoint).0 == .active)
        }
    }

    @Test(arguments: Engine.enabled) func aChangedWebhookIsJudgedByWhatFollows(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.fail(endpoint, times: 60)
            harness.clock.advance(by: .seconds(6 * 86_400))

            try await harness.change(endpoint) { $0.url = "https://other.example/hook" }
            try await harness.fail(endpoint, times: 1)

            #expect(try await harness.status(of: endpoint).0 == .active)
        }
    }

    /// Saving it as it is, or choosing other events, mends nothing.
    @Test(arguments: Engine.enabled) func aWebhookThatIsReachedAsBeforeFailsAsBefore(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            func failingSince(_ id: EndpointID) async throws -> Timestamp? {
                try await harness.store.read { [endpoints = harness.endpoints] tx in
                    try endpoints.report(id, userID: EngineHarness.userID, in: tx)?.failingSince
                }
            }
            let same: [@Sendable (inout Endpoint) -> Void] = [
                { _ in }, { $0.updatedAt = $0.updatedAt + .seconds(1) }, { $0.eventTypes = [.heartbeatOnline] },
                { $0.owners = ["+18005550188"] }, { $0.filter.words = ["stop"] }, { $0.ordering = .message },
            ]
            let other: [@Sendable (inout Endpoint) -> Void] = [
                { $0.url = "https://other.example/hook" }, { $0.signingKey = Secret("another") },
                { $0.payloadFormat = .preset(.slack) }, { $0.trust.authorities = "x" },
                { $0.plan.timeout = .seconds(30) },
                { $0.status = .paused },
            ]
            let endpoint = try await harness.addEndpoint()
            try await harness.fail(endpoint, times: 1)
            for change in same {
                try await harness.change(endpoint, change)
                #expect(try await failingSince(endpoint) != nil)
            }
            for change in other {
                let endpoint = try await harness.addEndpoint()
                try await harness.fail(endpoint, times: 1)
                #expect(try await failingSince(endpoint) != nil)
                try await harness.change(endpoint, change)
                #expect(try await failingSince(endpoint) == nil)
            }
        }
    }

    /// The owner saves another URL, or resumes, while an attempt at the earlier version is on its way to a 410.
    @Test(arguments: Engine.enabled) func aVerdictOfAnEarlierVersionDoesNotDisable(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let lease = Lease(at: harness.clock.now())
            try await harness.emit(2)
            let claims = try await harness.claim(endpoint, lease: lease)
            try await harness.change(endpoint) { $0.url = "https://other.example/hook" }

            try await harness.record([claims[0]], .disabled, lease: lease, version: 1)

            #expect(try await harness.status(of: endpoint).0 == .active)
            let delivery = try #require(try await harness.deliveries(to: endpoint).first { $0.id == claims[0].id })
            #expect(delivery.state == .pending && delivery.lane == .retry)
            #expect(delivery.dueAt == harness.clock.now() + .seconds(2), "the first wait of the schedule")

            try await harness.record([claims[1]], .disabled, lease: lease, version: 2)
            #expect(try await harness.status(of: endpoint).0 == .disabled)
        }
    }

    /// Its program saves a webhook again and again, while its receiver is gone.
    @Test(arguments: Engine.enabled) func aWebhookThatIsSavedAllTheTimeIsSentNoMoreThanItsSchedule(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let receiver = ScriptedSender(410)
            let runner = AttemptRunner(sender: receiver, schedule: .standard, clock: harness.clock, version: "1.2.3")
            func row() async throws -> DeliveryRow {
                try #require(try await harness.deliveries(to: endpoint).first)
            }

            for number in 1...8 {
                let lease = Lease(at: harness.clock.now())
                let lane = number == 1 ? DeliveryLane.first : .retry
                guard let claim = try await harness.claim(endpoint, lane, lease: lease).first else { break }
                let found = try await harness.store.read { [endpoints = harness.endpoints] tx in
                    try endpoints.find(endpoint, userID: EngineHarness.userID, in: tx)
                }
                let known = try #require(found)
                guard case .made(let result) = await runner.attempt(claim, to: known) else { continue }
                try await harness.change(endpoint) { $0.url = "https://receiver.example/\(number)" }
                let stored = try await harness.store.write(.engine) { tx in
                    try ResultQueries.record([result], in: tx)
                }
                #expect(stored.disabled.isEmpty)
                let isLast = number == 5
                #expect(try await row().state == (isLast ? .failed : .pending))
                #expect(stored.results.first?.verdict == .failed || !isLast)
                harness.clock.advance(by: .seconds(3_600))
            }

            #expect(receiver.requests.count == 5)
            #expect(try await row().state == .failed)
        }
    }

    @Test(arguments: Engine.enabled) func theFailuresOfOneDoNotDisableAnother(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let failing = try await harness.addEndpoint()
            let healthy = try await harness.addEndpoint()
            try await harness.fail(failing, times: 60)
            harness.clock.advance(by: .seconds(6 * 86_400))

            try await harness.fail(failing, times: 1)

            #expect(try await harness.status(of: failing).0 == .disabled)
            #expect(try await harness.status(of: healthy).0 == .active)
        }
    }
}

extension EngineHarness {
    /// Emits events and has their first attempts at `endpoint` fail.
    fileprivate func fail(_ endpoint: EndpointID, times: Int) async throws {
        let lease = Lease(at: clock.now())
        try await emit(times)
        for claim in try await claim(endpoint, limit: times, lease: lease) {
            try await record([claim], .retry(at: clock.now() + .seconds(86_400 * 365)), lease: lease)
        }
    }

    /// Emits an event and has it delivered to `endpoint`.
    fileprivate func succeed(_ endpoint: EndpointID) async throws {
        let lease = Lease(at: clock.now())
        try await emit()
        try await record(claim(endpoint, lease: lease), .succeeded, lease: lease)
    }

    /// The status of `endpoint`, and its reason.
    fileprivate func status(of endpoint: EndpointID) async throws -> (EndpointStatus, String?) {
        try await store.read { [endpoints] tx in
            let found = try endpoints.find(endpoint, userID: Self.userID, in: tx)
            return try (#require(found?.status), found?.statusReason)
        }
    }
}
