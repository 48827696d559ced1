import Delivery
import Foundation
import HTTPSMSWebhooks
import Secrets
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Every cause of alerts, from what is so in the store and on the machine to the events that tell of it.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AlertCauseTests {

    /// Whatever goes on for twenty minutes, in which a thousand SMS, events or deliveries go wrong, is told once; and once more
    /// when it is over.
    @Test(arguments: AlertCause.allCases) func eachIsToldOnceAndOnceMoreWhenItIsOver(cause: AlertCause) async throws {
        try await Self.withSituation { situation in
            if cause == .phoneOffline {
                try await situation.fixture.beat()
                try await situation.fixture.pass(3_600)
            }
            for minute in 0..<20 {
                try await situation.worsen(cause, minute: minute)
                try await situation.passAMinute()
            }
            let begun = try await situation.told()

            try await situation.end(cause)
            for _ in 0..<240 where try await situation.told().count == 1 { try await situation.passAMinute() }
            for _ in 0..<20 { try await situation.passAMinute() }
            let told = try await situation.told()

            #expect(begun.map(\.state) == ["open"] && begun.map(\.cause) == [cause])
            #expect(told.map(\.state) == ["open", "over"] && told.map(\.cause) == [cause, cause])
            #expect(Set(told.map(\.id)).count == 1)
        }
    }

    private static func withSituation(_ body: (Situation) async throws -> Void) async throws {
        try await withClockStepFixture(.sqlite) { fixture in
            try await body(try await Situation(fixture))
        }
    }

    /// Knows no name.
    private struct NoNames: AddressResolver {
        func resolve(
            _ host: String, for caller: LookupCaller, within limit: Duration
        ) async throws(ResolutionError) -> [IPAddress] { throw .timedOut }
    }

    /// An account with a phone and a webhook that is told of alerts.
    private final class Situation: Sendable {
        static let plenty: Int64 = 100 << 30
        static let little: Int64 = 100 << 20

        let fixture: ClockStepFixture
        private let userID = ClockStepFixture.userID
        private let endpoints: EndpointQueries
        private let webhook: EndpointID
        private let health: HealthBox
        private let alerts: AlertOperations

        private final class HealthBox: Sendable {
            let value = Mutex(ServerHealth())
        }

        /// What was told.
        struct Told: Decodable {
            struct Facts: Decodable {
                let alertID: String
                let state: String

                enum CodingKeys: String, CodingKey {
                    case alertID = "alert_id"
                    case state
                }
            }
            let type: String
            let data: Facts

            var cause: AlertCause? { AlertCause(rawValue: type) }
            var id: String { data.alertID }
            var state: String { data.state }
        }

        init(_ fixture: ClockStepFixture) async throws {
            self.fixture = fixture
            let endpoints = EndpointQueries(keyring: try Keyring(masterKey: [UInt8](repeating: 7, count: 32)))
            let health = HealthBox()
            alerts = AlertOperations(
                store: fixture.store,
                conditions: AlertConditions(
                    attention: AttentionQueries(endpoints: endpoints, pushes: []), clocks: fixture.clocks,
                    health: { health.value.withLock { $0 } }),
                endpoints: endpoints, quotas: Quotas(),
                vetting: AddressVetting(resolver: NoNames(), policy: AddressPolicy()), clock: fixture.clock,
                mails: false)
            webhook = EndpointID(at: fixture.clock.now())
            (self.endpoints, self.health) = (endpoints, health)
            try await fixture.store.write { [webhook, userID] tx in
                for (id, userID) in [(webhook, userID), (EndpointID(at: tx.now), userID.alerts)] {
                    try endpoints.insert(
                        Endpoint(
                            id: id, userID: userID, url: "http://8.8.8.8/", signingKey: nil, eventTypes: [], owners: [],
                            createdAt: tx.now, updatedAt: tx.now), in: tx)
                }
                try AlertQueries.watch(userID, in: tx)
            }
        }

        func setHealth(_ change: (inout ServerHealth) -> Void) {
            health.value.withLock { change(&$0) }
        }

        func told() async throws -> [Told] {
            let events = try await fixture.store.read { [userID] tx in
                try EventLog.page(userID: userID.alerts, after: 0, limit: 100, in: tx).events
            }
            return try events.map { try JSONDecoder().decode(Told.self, from: Data($0.body)) }
        }

        func passAMinute() async throws {
            try await fixture.pass(60)
            try await fixture.store.write { [alerts, unreadable = fixture.unreadable] tx in
                _ = try alerts.sweep(unreadable: unreadable, in: tx)
            }
        }

        /// Has it go wrong, or some more of it.
        func worsen(_ cause: AlertCause, minute: Int) async throws {
            switch cause {
            case .webhookFailing:
                try await run(
                    """
                    UPDATE endpoint_health
                    SET failing_since = COALESCE(failing_since, \(fixture.clock.now())),
                        failure_count = failure_count + 50, last_failure_at = \(fixture.clock.now())
                    WHERE endpoint_id = \(webhook)
                    """)
            case .webhookDisabled: try await set(.disabled, "gone: the receiver answered 410")
            case .deliveryFailed:
                try await emit(50)
                try await run(
                    """
                    UPDATE delivery
                    SET state = \(DeliveryState.failed), completed_at = \(fixture.clock.now())
                    WHERE endpoint_id = \(webhook)
                    """)
            case .phoneOffline: break
            case .messageFailed: try await fail(50)
            case .queueOld: try await emit(50)
            case .diskLow: setHealth { $0.freeBytes = Self.little }
            case .certificateExpires: setHealth { $0.certificateUntil = fixture.clock.now() + .seconds(86_400) }
            case .clockStep: if minute == 0 { try await fixture.step(by: .seconds(7_200)) }
            }
        }

        /// Has it be right again; what is told for an hour ends by itself.
        func end(_ cause: AlertCause) async throws {
            switch cause {
            case .webhookFailing:
                try await run("UPDATE endpoint_health SET failing_since = NULL WHERE endpoint_id = \(webhook)")
            case .webhookDisabled: try await set(.active, nil)
            case .deliveryFailed, .messageFailed: break
            case .phoneOffline: try await fixture.beat()
            case .queueOld: try await set(.paused, Endpoint.pausedByOwner)
            case .diskLow: setHealth { $0.freeBytes = Self.plenty }
            case .certificateExpires: setHealth { $0.certificateUntil = fixture.clock.now() + .seconds(90 * 86_400) }
            case .clockStep: try await fixture.step(by: .seconds(-7_200))
            }
        }

        private func run(_ statement: SQL) async throws {
            try await fixture.store.write { tx in _ = try tx.run(statement) }
        }

        private func set(_ status: EndpointStatus, _ reason: String?) async throws {
            try await fixture.store.write { [endpoints, webhook, userID] tx in
                guard var endpoint = try endpoints.find(webhook, userID: userID, in: tx) else { return }
                (endpoint.status, endpoint.statusReason) = (status, reason)
                try endpoints.update(endpoint, in: tx)
            }
        }

        private func emit(_ count: Int) async throws {
            try await fixture.store.write { [webhook, userID] tx in
                for _ in 0..<count {
                    let event = OutgoingEvent(
                        id: EventID(at: tx.now), userID: userID, owner: ClockStepFixture.number, source: "/test",
                        payload: EventType.messageSent.declaration.sample.payload)
                    try tx.emit(event, to: [webhook])
                }
            }
        }

        private func fail(_ count: Int) async throws {
            try await fixture.store.write { [phone = fixture.phone] tx in
                for _ in 0..<count {
                    let message = Message(
                        outgoing: MessageID(at: tx.now), from: phone, to: "+18005550100", content: "text",
                        requestID: nil, sendAt: nil, source: "/v1/messages/send", at: tx.now)
                    try MessageQueries.insert(message, in: tx)
                }
                try tx.run("UPDATE message SET status = 'failed', planned_at = NULL, expires_at = NULL")
            }
        }
    }
}
