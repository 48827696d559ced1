import HTTPSMSWebhooks
import ServiceLifecycle
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

@Suite(.timeLimit(.minutes(15)))
struct DispatcherTests {
    @Test(arguments: Engine.enabled) func anEventIsSentSignedAndRecorded(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint(signingKey: "a key")
            let event = try await harness.emit()[0]
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender) { _ in try await sender.untilSent(1) }

            let delivery = try #require(try await harness.deliveries(to: endpoint).first)
            #expect(delivery.state == .succeeded)
            #expect(delivery.lastStatusCode == 200)
            #expect(try await harness.attempts(of: endpoint) == ["1 200"])
            let request = try #require(sender.requests.first)
            let token = WebhookToken.sign(
                key: "a key", subject: EngineHarness.userID.text, audience: "https://receiver.example/hook",
                now: harness.clock.now())
            #expect(request.header("Authorization") == "Bearer \(token)")
            #expect(request.header("Content-Type") == "application/json")
            #expect(request.header("X-Event-Type") == "phone.heartbeat.offline")
            #expect(request.header("User-Agent") == "httpSMS/1.2.3")
            #expect(request.header("X-Httpsms-Delivery") == delivery.id.text)
            #expect(request.header("X-Httpsms-Attempt") == "1")
            #expect(String(decoding: request.body, as: UTF8.self).contains(event.text))
        }
    }

    @Test(arguments: Engine.enabled) func withoutASigningKeyThereIsNoAuthorization(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint()
            try await harness.emit()
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender) { _ in try await sender.untilSent(1) }

            #expect(sender.requests.map { $0.header("Authorization") } == [nil])
        }
    }

    @Test(arguments: Engine.enabled) func aFailingDeliveryIsTriedFiveTimesAlongTheSchedule(engine: Engine) async throws
    {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let sender = ScriptedSender { _, number in
                number == 2 ? .failure(AttemptFailure(.timeout)) : .response(statusCode: 500)
            }

            try await harness.dispatching(sender) { _ in
                for (attempt, delay) in [2, 10, 60, 600].enumerated() {
                    try await sender.untilSent(attempt + 1)
                    let failedAt = harness.clock.now()
                    try await until("attempt \(attempt + 1) is recorded") {
                        try await harness.attempts(of: endpoint).count == attempt + 1
                    }
                    let delivery = try #require(try await harness.deliveries(to: endpoint).first)
                    #expect(delivery.state == .pending)
                    #expect(delivery.dueAt >= failedAt + .seconds(delay))
                    #expect(delivery.dueAt <= failedAt + .milliseconds(delay * 1_200))
                    harness.clock.advance(by: delivery.dueAt - harness.clock.now() - .microseconds(1))
                    try await harness.look()
                    #expect(sender.requests.count == attempt + 1, "a microsecond too early")
                    harness.clock.advance(by: .microseconds(1))
                    harness.store.wakeups.signal(.deliveries)
                }
                try await sender.untilSent(5)
            }

            #expect(try await harness.attempts(of: endpoint) == ["1 500", "2 timeout", "3 500", "4 500", "5 500"])
            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.failed])
            #expect(Set(sender.requests.map(\.body)).count == 1, "every attempt has the same bytes")
            #expect(sender.requests.map { $0.header("X-Httpsms-Attempt") } == ["1", "2", "3", "4", "5"])
        }
    }

    @Test(arguments: Engine.enabled) func aHintWakesItAtOnce(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint()
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender, scanInterval: .seconds(3_600)) { _ in
                for count in 1...30 {
                    try await harness.emit()
                    try await sender.untilSent(count)
                }
            }
        }
    }

    @Test(arguments: Engine.enabled) func whatNoHintAnnouncedIsFound(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender) { _ in
                try await harness.emit()
                try await sender.untilSent(1)
                try await until("it is stored") { try await harness.count(.succeeded) == 1 }
                // As if it came from a process whose hints do not reach this one.
                try await harness.store.write { tx in
                    _ = try tx.run("UPDATE delivery SET state = 0, completed_at = NULL, attempt = 5")
                }
                try await sender.untilSent(2)
            }

            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.succeeded])
        }
    }

    @Test(arguments: Engine.enabled) func aBacklogOfOneEndpointDelaysNoOther(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint("https://busy.example/")
            try await harness.emit(10_000)
            try await harness.addEndpoint(
                "https://quiet.example/", owners: ["+18005550100"])
            try await harness.emit(owner: "+18005550100")
            _ = harness.store.wakeups.takeKeys(.deliveries)
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender) { _ in
                try await until("the quiet endpoint is served") { sender.hosts.contains("quiet.example") }
            }

            let place = try #require(sender.hosts.firstIndex(of: "quiet.example"))
            #expect(place < 32, "behind two turns of the other at most")
        }
    }

    @Test(arguments: Engine.enabled) func anEndpointWhoseKeyDoesNotOpenIsDisabledAndNeverSentUnsigned(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let broken = try await harness.addEndpoint("https://broken.example/", signingKey: "key")
            try await harness.addEndpoint("https://healthy.example/")
            try await harness.store.write { tx in
                _ = try tx.run(
                    "UPDATE endpoint SET signing_key = \([UInt8](repeating: 1, count: 60)) WHERE id = \(broken)")
            }
            try await harness.emit()
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender) { _ in
                try await sender.untilSent(1)
                try await harness.look()
            }

            #expect(sender.hosts == ["healthy.example"])
            #expect(try await harness.deliveries(to: broken).map(\.state) == [.pending])
            let row = try #require(
                try await harness.store.read { tx in
                    try tx.rows("SELECT status, status_reason FROM endpoint WHERE id = \(broken)").first
                })
            #expect(try row.get("status", as: EndpointStatus.self) == .disabled)
            #expect(try row.get("status_reason", as: String.self).hasPrefix("signing_key_unreadable"))
        }
    }

    @Test(arguments: Engine.enabled) func aPausedEndpointHoldsItsDeliveriesUntilItIsResumed(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.status = .paused }
            try await harness.emit(3)
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender) { _ in
                try await harness.look()
                #expect(sender.requests.isEmpty)
                try await harness.change(endpoint) { $0.status = .active }
                try await sender.untilSent(3)
            }

            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.succeeded, .succeeded, .succeeded])
        }
    }

    @Test(arguments: Engine.enabled) func anEndpointPausedInFlightKeepsTheRetryThatFollows(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let gate = Gate()
            let sender = ScriptedSender { _, _ in await gate.outcome(.response(statusCode: 500)) }

            try await harness.dispatching(sender) { _ in
                try await sender.untilSent(1)
                try await harness.change(endpoint) { $0.status = .paused }
                gate.open()
                try await until("the attempt is recorded") { try await harness.attempts(of: endpoint).count == 1 }
                harness.clock.advance(by: .seconds(60))
                try await harness.look()
                #expect(sender.requests.count == 1)
                try await harness.change(endpoint) { $0.status = .active }
                try await sender.untilSent(2)
            }
        }
    }

    @Test(arguments: Engine.enabled) func theEventsOfAMessageAreSentInTheirOrderWithoutDelay(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.ordering = .message }
            let events = (1...20).map { harness.event(order: EventOrder(key: "message", number: $0)) }
            try await harness.store.write { tx in for event in events { try tx.emit(event) } }
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender, scanInterval: .seconds(3_600)) { _ in
                try await sender.untilSent(20)
            }

            let rows = try await harness.deliveries(to: endpoint).sorted {
                ($0.orderNumber ?? 0) < ($1.orderNumber ?? 0)
            }
            #expect(sender.requests.map { $0.header("X-Httpsms-Delivery") } == rows.map(\.id.text))
        }
    }
}
