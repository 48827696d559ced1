import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Deliveries that are claimed by the transaction that makes them, on a dispatcher that runs.
@Suite(.timeLimit(.minutes(15)))
struct BirthClaimTests {
    @Test(arguments: Engine.enabled) func whatAQuietEndpointGetsIsClaimedAtItsBirthAndSent(engine: Engine) async throws
    {
        try await withQuietEndpoint(engine) { harness, endpoint, sender in
            let event = harness.event()

            let row = try #require(try await emit([event], to: endpoint, harness).first)

            #expect(row.state == .leased)
            #expect(row.attempt == 1)
            #expect(row.lease != nil)
            try await until("it is delivered") { try await harness.count(.succeeded) == 2 }
            #expect(try await harness.attempts(of: endpoint) == ["1 200", "1 200"])
            let request = try #require(sender.requests.last)
            let body: [UInt8]? = try await harness.store.read { tx in
                try tx.value("SELECT body AS value FROM event_body WHERE event_id = \(event.id)")
            }
            #expect(request.body == body)
            #expect(request.header("X-Httpsms-Attempt") == "1")
            #expect(request.header("X-Httpsms-Delivery") == row.id.text)
        }
    }

    @Test(arguments: Engine.enabled) func anEndpointTakesAFewAtOnceAndTheRestWaits(engine: Engine) async throws {
        try await withQuietEndpoint(engine) { harness, endpoint, sender in
            let rows = try await emit((0..<20).map { _ in harness.event() }, to: endpoint, harness)

            #expect(rows.count { $0.state == .leased } == 8)
            #expect(rows.count { $0.state == .pending } == 12)
            try await sender.untilSent(21)
            try await until("all are delivered") { try await harness.count(.succeeded) == 21 }
            #expect(Set(sender.requests.map { $0.header("X-Httpsms-Delivery") }).count == 21)
        }
    }

    @Test(arguments: Engine.enabled) func aTransactionThatFailsClaimsNothing(engine: Engine) async throws {
        try await withQuietEndpoint(engine) { harness, endpoint, sender in
            let births = try #require(harness.store.wakeups.attached(BirthClaims.self))
            let room = births.room(of: endpoint)

            await #expect(throws: Refused.self) {
                try await harness.store.write { tx in
                    try tx.emit(harness.event())
                    #expect(births.room(of: endpoint) == room - 1)
                    throw Refused()
                }
            }

            try await until("the place is free again") { births.room(of: endpoint) == room }
            #expect(try await emit([harness.event()], to: endpoint, harness).map(\.state) == [.leased])
            try await sender.untilSent(2)
        }
    }

    @Test(arguments: Engine.enabled) func aCommitWhoseAnswerIsLostIsFoundAndSentOnce(engine: Engine) async throws {
        try await withQuietEndpoint(engine) { harness, endpoint, sender in
            try await harness.store.write { tx in try DeafTransaction(tx).emit(harness.event()) }
            try await harness.number()
            #expect(try await harness.count(.leased) == 1)

            // The dispatcher hears of it, and then looks after a second.
            try await until("it is sent") {
                harness.clock.advance(by: .seconds(1))
                harness.store.wakeups.signal(.deliveries)
                return sender.requests.count == 2
            }

            try await until("it is delivered") { try await harness.count(.succeeded) == 2 }
            #expect(try await harness.attempts(of: endpoint) == ["1 200", "2 200"])
            #expect(sender.requests.count == 2)
        }
    }

    @Test(
        arguments: Engine.enabled,
        [
            "status = 1, version = version + 1", "version = version + 1", "hold_until = 1", "pace_interval = 1",
            "refused_at = 1", "url_out_since = 1",
        ])
    func whatWasChangedElsewhereWaits(engine: Engine, change: String) async throws {
        try await withQuietEndpoint(engine) { harness, endpoint, _ in
            let rows = try await harness.store.write { tx in
                try tx.run("UPDATE endpoint SET \(SQL(stringLiteral: change)) WHERE id = \(endpoint)")
                return try Self.emit([harness.event()], to: endpoint, in: tx)
            }

            #expect(rows.map(\.state) == [.pending])
            #expect(rows.map(\.attempt) == [0])
        }
    }

    @Test(arguments: Engine.enabled) func whatMustKeepAnOrderOrALimitWaits(engine: Engine) async throws {
        let changes: [@Sendable (inout Endpoint) -> Void] = [
            { $0.ordering = .message }, { $0.plan.maxInFlight = 5 }, { $0.plan.rate = 500 },
        ]
        for change in changes {
            try await withEngine(engine) { harness in
                let endpoint = try await harness.addEndpoint()
                try await harness.change(endpoint, change)
                let sender = ScriptedSender(200)
                try await harness.dispatching(sender) { _ in
                    try await harness.emit()
                    try await until("it is delivered") { try await harness.count(.succeeded) == 1 }
                    try await harness.look()

                    #expect(try await emit([harness.event()], to: endpoint, harness).map(\.state) == [.pending])
                }
            }
        }
    }

    @Test(arguments: Engine.enabled) func anEndpointThatIsNotKnownToBeQuickIsNotOffered(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.dispatching(ScriptedSender(200)) { _ in
                try await harness.look()

                #expect(try await emit([harness.event()], to: endpoint, harness).map(\.state) == [.pending])
            }
        }
    }

    @Test(arguments: Engine.enabled) func aLeaseThatMayEndBeforeAnAttemptClaimsNothing(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let lease = OwnLease(
                Lease(at: harness.clock.now()), until: harness.clock.boot() + .seconds(7), clock: harness.clock)
            try await withQuietEndpoint(harness, lease: lease) { harness, endpoint, _ in
                harness.clock.advance(by: .seconds(2))

                let rows = try await emit([harness.event()], to: endpoint, harness)

                #expect(rows.map(\.state) == [.pending])
            }
        }
    }

    @Test(arguments: Engine.enabled) func afterTheDispatcherAllWaits(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            var id: EndpointID?
            try await withQuietEndpoint(harness) { _, endpoint, _ in id = endpoint }
            let endpoint = try #require(id)

            #expect(harness.store.wakeups.attached(BirthClaims.self) == nil)
            #expect(try await emit([harness.event()], to: endpoint, harness).map(\.state) == [.pending])
        }
    }

    private struct Refused: Error {}

    /// Runs `body` beside a dispatcher that has delivered one event to an endpoint, and now offers it.
    private func withQuietEndpoint(
        _ engine: Engine, _ body: (EngineHarness, EndpointID, ScriptedSender) async throws -> Void
    ) async throws {
        try await withEngine(engine) { harness in try await withQuietEndpoint(harness, body) }
    }

    private func withQuietEndpoint(
        _ harness: EngineHarness, lease: OwnLease? = nil,
        _ body: (EngineHarness, EndpointID, ScriptedSender) async throws -> Void
    ) async throws {
        let endpoint = try await harness.addEndpoint()
        let sender = ScriptedSender(200)
        try await harness.dispatching(sender, lease: lease) { _ in
            try await harness.emit()
            try await until("it is offered") {
                let births = harness.store.wakeups.attached(BirthClaims.self)
                return births?.room(of: endpoint) == 8
            }
            try await body(harness, endpoint, sender)
        }
    }

    /// Emits in one transaction, and gives the deliveries as they are in it.
    private func emit(
        _ events: [OutgoingEvent], to endpoint: EndpointID, _ harness: EngineHarness
    ) async throws -> [DeliveryRow] {
        let rows = try await harness.store.write { tx in try Self.emit(events, to: endpoint, in: tx) }
        try await harness.number()
        return rows
    }

    private static func emit(
        _ events: [OutgoingEvent], to endpoint: EndpointID, in tx: any Transaction
    ) throws -> [DeliveryRow] {
        for event in events { try tx.emit(event) }
        return try tx.all(
            DeliveryRow.self, "SELECT * FROM delivery WHERE endpoint_id = \(endpoint) ORDER BY created_at, id"
        ).filter { row in events.contains { $0.id == row.eventID } }
    }
}

/// A transaction after whose commit nothing happens, as where its answer is lost.
private final class DeafTransaction: Transaction {
    private let base: any Transaction

    init(_ base: any Transaction) {
        self.base = base
    }

    var now: Timestamp { base.now }
    var wakeups: Wakeups { base.wakeups }
    var unreadable: UnreadableRows { base.unreadable }
    var isSerial: Bool { base.isSerial }

    func rows(_ statement: SQL) throws -> [Row] { try base.rows(statement) }
    func run(_ statement: SQL) throws -> Int { try base.run(statement) }
    func runBatch(_ statements: [SQL]) throws -> [Int] { try base.runBatch(statements) }
    func build(_ index: TableIndex) throws { try base.build(index) }
    func afterCommit(_ action: @escaping @Sendable () -> Void) {}
}
