import HTTPSMSWebhooks
import Logging
import Secrets
import ServiceLifecycle
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// The delivery engine on a store of its own, under a clock that the test moves.
struct EngineHarness: Sendable {
    let store: any Store
    let clock: ManualClock
    let endpoints: EndpointQueries

    /// Whose endpoints and events the tests make unless they say otherwise.
    static let userID = UserID("user-1")
    /// The phone number that endpoints want events of and events are about.
    static let owner = "+18005550199"
    /// The master key of ``endpoints``.
    static let masterKey = [UInt8](0..<32)
    /// Hears nothing: what the engine logs is not part of what it does.
    static let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    /// Stores a new endpoint.
    @discardableResult
    func addEndpoint(
        _ url: String = "https://receiver.example/hook", signingKey: String? = nil,
        types: [EventType] = [.heartbeatOffline], owners: [String] = [owner], userID: UserID = userID
    ) async throws -> EndpointID {
        let endpoint = Endpoint(
            id: EndpointID(at: clock.now()), userID: userID, url: url, signingKey: signingKey.map { Secret($0) },
            eventTypes: types, owners: owners, createdAt: clock.now(), updatedAt: clock.now())
        try await store.write { [endpoints] tx in try endpoints.insert(endpoint, in: tx) }
        return endpoint.id
    }

    /// Changes an endpoint.
    func change(_ id: EndpointID, _ change: @escaping @Sendable (inout Endpoint) -> Void) async throws {
        try await store.write { [endpoints] tx in
            var endpoint = try #require(try endpoints.find(id, userID: Self.userID, in: tx))
            change(&endpoint)
            try endpoints.update(endpoint, in: tx)
        }
    }

    /// Publishes and numbers `count` events, and gives their ids.
    @discardableResult
    func emit(_ count: Int = 1, owner: String = owner, userID: UserID = userID) async throws -> [EventID] {
        let events = (0..<count).map { _ in event(owner: owner, userID: userID) }
        try await emit(events)
        try await number()
        return events.map(\.id)
    }

    /// Publishes `events`, 100 to a transaction, as each has a deadline.
    func emit(_ events: [OutgoingEvent]) async throws {
        for start in stride(from: 0, to: events.count, by: 100) {
            try await store.write { tx in
                for event in events[start..<min(start + 100, events.count)] { try tx.emit(event) }
            }
        }
    }

    /// Numbers what was emitted, as the sweep of a server does where that is not done in the emitting transaction.
    func number() async throws {
        while try await store.write({ tx in try EventNumbering.step(in: tx).mayHaveMore }) {}
        try await fold()
    }

    /// Adds up what was noted of endpoints, as the sweep of a server does where that is not done in the noting transaction.
    func fold() async throws {
        try await store.write { tx in try EndpointSlots.foldAll(in: tx) }
    }

    /// An event that nobody was told of yet.
    func event(
        owner: String = owner, userID: UserID = userID, order: EventOrder? = nil, isOnline: Bool = false
    ) -> OutgoingEvent {
        let data = PhoneHeartbeat(
            phoneID: "0198c2f0-0000-7000-8000-000000000001", userID: userID.text, lastHeartbeatTimestamp: clock.now(),
            timestamp: clock.now(), monitorID: "0198c2f0-0000-7000-8000-000000000002", owner: owner)
        return OutgoingEvent(
            id: EventID(at: clock.now()), userID: userID, owner: owner, source: "/v1/heartbeats",
            payload: isOnline ? .heartbeatOnline(data) : .heartbeatOffline(data), order: order)
    }

    /// The deliveries to `endpoint` in the order of their sequence.
    func deliveries(to endpoint: EndpointID) async throws -> [DeliveryRow] {
        try await store.read { tx in
            try tx.all(
                DeliveryRow.self, "SELECT * FROM delivery WHERE endpoint_id = \(endpoint) ORDER BY sequence")
        }
    }

    /// How many deliveries stand in `state`, wherever they go.
    func count(_ state: DeliveryState) async throws -> Int {
        try await store.read { tx in
            try tx.value("SELECT COUNT(*) AS value FROM delivery WHERE state = \(state)") ?? 0
        }
    }

    /// The stored attempts as `number status-or-error`, by delivery and number.
    func attempts(of endpoint: EndpointID) async throws -> [String] {
        try await store.read { tx in
            try tx.rows(
                """
                SELECT a.number, a.status_code, a.error
                FROM attempt a
                JOIN delivery d ON d.id = a.delivery_id
                WHERE d.endpoint_id = \(endpoint)
                ORDER BY d.sequence, a.number
                """
            ).map { row in
                let status = try row.find("status_code", as: Int.self).map(String.init)
                let error = try row.find("error", as: String.self)
                return "\(try row.get("number", as: Int.self)) \(status ?? error ?? "-")"
            }
        }
    }

    /// Runs a dispatcher beside `body`, then has it shut down gracefully.
    func dispatching(
        _ sender: any WebhookSender, over store: (any Store)? = nil, limits: ReadySet.Limits = .forTests,
        lease: OwnLease? = nil, scanInterval: Duration = .seconds(1), logger: Logger = logger,
        _ body: (ServiceGroup) async throws -> Void
    ) async throws {
        let dispatcher = Dispatcher(
            store: store ?? self.store, endpoints: endpoints,
            runner: AttemptRunner(sender: sender, schedule: .standard, clock: clock, version: "1.2.3"),
            lease: lease ?? OwnLease(Lease(at: clock.now()), clock: clock), clock: clock, limits: limits,
            scanInterval: scanInterval, logger: logger)
        try await running(dispatcher, body)
    }
}

/// Runs `body` with the engine on a new store.
func withEngine(_ engine: Engine, _ body: (EngineHarness) async throws -> Void) async throws {
    let clock = ManualClock()
    let keyring = try Keyring(masterKey: EngineHarness.masterKey)
    try await withStore(engine, migrations: DeliveryMigrations.all, clock: clock) { store in
        try await body(EngineHarness(store: store, clock: clock, endpoints: EndpointQueries(keyring: keyring)))
    }
}

extension ReadySet.Limits {
    /// Those of production, but with room for 16 requests at once from the start.
    static var forTests: ReadySet.Limits {
        var limits = ReadySet.Limits()
        limits.firstWindow = 16
        limits.newcomers = 1
        return limits
    }
}

/// Runs `service` beside `body`, then has it shut down gracefully; cancels it when `body` throws.
func running(_ service: any Service, _ body: (ServiceGroup) async throws -> Void) async throws {
    var configuration = ServiceGroupConfiguration(
        services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
        logger: EngineHarness.logger)
    configuration.maximumGracefulShutdownDuration = .seconds(20)
    let group = ServiceGroup(configuration: configuration)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        do {
            try await body(group)
        } catch {
            tasks.cancelAll()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

/// A row of `delivery`.
struct DeliveryRow: RowDecodable, Sendable, Equatable {
    let id: DeliveryID
    let eventID: EventID
    let sequence: Int64?
    let state: DeliveryState
    let lane: DeliveryLane
    let dueAt: Timestamp
    let attempt: Int
    let step: Int
    let lease: Lease?
    let orderKey: String?
    let orderNumber: Int?
    let completedAt: Timestamp?
    let lastStatusCode: Int?
    let lastError: String?

    init(row: Row) throws {
        id = try row.get("id")
        eventID = try row.get("event_id")
        sequence = try row.find("sequence")
        state = try row.get("state")
        lane = try row.get("lane")
        dueAt = try row.get("due_at")
        attempt = try row.get("attempt")
        step = try row.get("step")
        lease = try row.find("lease")
        orderKey = try row.find("order_key")
        orderNumber = try row.find("order_no")
        completedAt = try row.find("completed_at")
        lastStatusCode = try row.find("last_status_code")
        lastError = try row.find("last_error")
    }
}

extension EngineHarness {
    /// Claims from an endpoint as the dispatcher does; nothing from one that is not active.
    func claim(
        _ endpoint: EndpointID, _ lane: DeliveryLane = .first, limit: Int = 100, lease: Lease
    ) async throws -> [ClaimedDelivery] {
        try await store.write(.engine) { [endpoints, clock] tx in
            guard let row = try DeliveryQueries.activeEndpoint(endpoint, in: tx) else { return [] }
            return try DeliveryQueries.claim(
                endpoint: try endpoints.endpoint(row: row), lane: lane, limit: limit, lease: lease, at: clock.now(),
                in: tx
            ).deliveries
        }
    }

    /// Stores the results of attempts that went like `verdict`, made at `version` of the endpoint or at the present one, and
    /// gives those that were refused.
    @discardableResult
    func record(
        _ claims: [ClaimedDelivery], _ verdict: Verdict, lease: Lease, version: Int64? = nil
    ) async throws -> [DeliveryID] {
        let outcome = AttemptOutcome.response(statusCode: verdict == .succeeded ? 200 : 500)
        let refused = try await store.write(.engine) { [clock] tx in
            let results = try claims.map { claim in
                var claim = claim
                claim.lease = lease
                let present: Int64? = try tx.value(
                    "SELECT version AS value FROM endpoint WHERE id = \(claim.endpointID)")
                return RecordedAttempt(
                    claim: claim, endpointVersion: version ?? present ?? 1, startedAt: clock.now(),
                    result: AttemptResult(outcome: outcome), verdict: verdict)
            }
            return try ResultQueries.record(results, in: tx).refused
        }
        try await fold()
        return refused
    }
}

extension EngineHarness {
    /// Where ``look()`` sends to.
    static let probeHost = "probe.example"

    /// Has a running dispatcher look at what is due, and returns once it has: a delivery of another user was claimed.
    func look() async throws {
        let probe = UserID("probe")
        let endpoint = try await addEndpoint("https://\(Self.probeHost)/", userID: probe)
        try await emit(userID: probe)
        try await until("the dispatcher has looked") {
            try await deliveries(to: endpoint).allSatisfy { $0.attempt > 0 }
        }
    }
}
