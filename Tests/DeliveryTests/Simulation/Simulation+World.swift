import HTTPSMSWebhooks
import Storage
import Timestamps

@testable import Delivery

/// Users, operators, receivers and machines: all that the engine does not decide.
extension Simulation {
    private static let user = UserID("user")
    private static let owner = "+18005550199"

    /// A healthy one, an ordered one, and others of any kind.
    func makeEndpoints() throws {
        let clock = machines[0].clock
        let kinds: [SimulatedReceiver] = [.healthy, .flapping]
        let others = (0..<Int.random(in: 1...6, using: &world)).map { _ in
            SimulatedReceiver.allCases.randomElement(using: &world) ?? .healthy
        }
        for (number, kind) in (kinds + others).enumerated() {
            let endpoint = Endpoint(
                id: EndpointID(from: clock), userID: Self.user, url: "https://receiver-\(number).example/",
                signingKey: nil, eventTypes: [.heartbeatOffline], owners: [Self.owner],
                ordering: number == 1 ? .message : .none, createdAt: clock.now(), updatedAt: clock.now())
            endpoints.append(endpoint.id)
            receivers[endpoint.id] = kind
            if number == 1 { checks.ordered.insert(endpoint.id) }
            let first = SimulatedNode(number: 0, incarnation: 0, clock: clock, limits: .init())
            try transact(first) { [endpointQueries] tx in try endpointQueries.insert(endpoint, in: tx) }
        }
        checks.healthy = endpoints[0]
    }

    /// Events arrive, one or a few in a transaction; some belong to one message.
    func arrive() throws {
        guard isStorming else { return }
        plan(after: world.duration(0.05...1.5)) { try $0.arrive() }
        let count = world.chance(0.1) ? 20 : 1
        let key = "message-\(Int.random(in: 0..<8, using: &world))"
        try request("accepts \(count)") { tx in
            for _ in 0..<count {
                let clock = machines[0].clock
                let data = PhoneHeartbeat(
                    phoneID: "0198c2f0-0000-7000-8000-000000000001", userID: Self.user.text,
                    lastHeartbeatTimestamp: tx.now, timestamp: tx.now,
                    monitorID: "0198c2f0-0000-7000-8000-000000000002", owner: Self.owner)
                let number = checks.orderNumbers[key, default: 0] + 1
                checks.orderNumbers[key] = number
                let event = OutgoingEvent(
                    id: EventID(from: clock), userID: Self.user, owner: Self.owner, source: "/v1/heartbeats",
                    payload: .heartbeatOffline(data), order: EventOrder(key: key, number: number))
                try tx.emit(event)
                try checks.accepted(event, at: now, in: tx)
                guard faults.spoiltRows, chaos.chance(0.05) else { continue }
                checks.spoilt.insert(event.id)
                self.count("spoilt row")
                try tx.run("DELETE FROM event_body WHERE event_id = \(event.id)")
            }
        }
    }

    /// Something goes wrong, or somebody changes something.
    func misbehave() throws {
        guard isStorming else { return }
        plan(after: chaos.duration(0.2...3)) { try $0.misbehave() }
        let number = Int.random(in: machines.indices, using: &chaos)
        if faults.clockSteps, chaos.chance(0.15) { stepClock(of: number) }
        if faults.freezes, chaos.chance(0.1) {
            let duration = chaos.chance(0.5) ? chaos.duration(0.001...5) : chaos.duration(5...60)
            machines[number].frozenUntil = max(machines[number].frozenUntil, now + duration)
            count("freeze")
            note(nil, "machine \(number) freezes for \(duration.seconds)")
        }
        if faults.crashes, chaos.chance(0.08), let node = nodes.first(where: { $0.number == number }) { crash(node) }
        if faults.shutdowns, chaos.chance(0.05), let node = nodes.first(where: { $0.number == number && $0.isAlive }) {
            count("shutdown")
            note(node, "is asked to stop")
            node.inbox.append(.stopping)
            wake(node)
        }
        if faults.users, chaos.chance(0.3) { try useWebhooks() }
        if chaos.chance(0.1), let endpoint = endpoints.dropFirst().randomElement(using: &chaos) {
            receivers[endpoint] = SimulatedReceiver.allCases.randomElement(using: &chaos)
        }
    }

    private func stepClock(of number: Int) {
        let amounts: [Double] = [1, 30, 3_600, 7_200, 86_400, 40 * 86_400]
        let amount = amounts.randomElement(using: &chaos) ?? 1
        let step = Duration.seconds(chaos.chance(0.5) ? amount : -amount)
        machines[number].wallOffset += step
        if step < .zero { machines[number].wasSetBack = true }
        count("clock step")
        note(nil, "the clock of machine \(number) is set by \(step.seconds)")
        guard step < .zero else { return }
        // As the watch of each process does once a second.
        plan(after: .milliseconds(500)) { world in
            guard let node = world.nodes.first(where: { $0.number == number && $0.isAlive }) else { return }
            try world.pullIn(by: step, node)
        }
    }

    /// Has what lies too far ahead wait no longer than its schedule says; nil when a process starts.
    func pullIn(by step: Duration?, _ node: SimulatedNode) throws {
        if twin == .noPullIn { return }
        try transact(node) { tx in
            var cursor: DueTimes.Cursor? = .start
            while let from = cursor {
                cursor = try DueTimes.pullIn(
                    by: step, after: from, at: node.clock.now(), schedule: Self.schedule, in: tx)
            }
        }
    }

    /// Pauses, resumes, changes, rotates and deletes.
    private func useWebhooks() throws {
        guard let id = endpoints.dropFirst(2).randomElement(using: &chaos) else { return }
        let choice = Int.random(in: 0..<10, using: &chaos)
        try request("changes \(id.text.suffix(6))") { [endpointQueries] tx in
            guard var endpoint = try endpointQueries.find(id, userID: Self.user, in: tx) else { return }
            switch choice {
            case 0: return try endpointQueries.delete(id, in: tx)
            case 1...3: endpoint.status = .paused
            case 4...7:
                endpoint.status = .active
                let accepted: Int64 = try tx.value("SELECT accepted AS value FROM tally WHERE endpoint_id = \(id)") ?? 0
                endpoint.release = Release(rate: choice == 4 ? 2 : nil, through: accepted)
            default: endpoint.url += "x"
            }
            endpoint.updatedAt = tx.now
            try endpointQueries.update(endpoint, in: tx)
        }
    }

    /// Upkeep: what is too old goes, if the clock is believed.
    func prune() throws {
        guard isStorming else { return }
        plan(after: .seconds(5)) { try $0.prune() }
        guard let node = nodes.filter(\.isAlive).randomElement(using: &chaos) else { return }
        guard machines[node.number].clocks.isBelieved || twin == .retentionTrustsClock else { return }
        let now = node.clock.now()
        try transact(node) { [checks] tx in
            let before = try Dated.all(before: now - Self.retention, in: tx)
            _ = try Retention.prune(before: now - Self.retention, after: nil, in: tx)
            _ = try EventRetention().step(before: now - Self.retention, at: now, in: tx)
            let after = Set(try Dated.all(before: now - Self.retention, in: tx).map(\.id))
            let young: Int64? = try tx.value(
                """
                SELECT MIN(position) AS value
                FROM event
                WHERE created_at BETWEEN \(now - Self.retention) AND \(now + ClockGuard.tolerance)
                """)
            for row in before where !after.contains(row.id) {
                if row.isOpen { checks.fail(.youngStays, "\(row.id), which is still to be made, is gone") }
                if row.delivery == nil, !row.isOldByAllThatIsKnown(young ?? .max) {
                    checks.fail(.youngStays, "event \(row.id) is gone")
                }
                if let delivery = row.delivery { checks.pruned.insert(delivery) }
            }
        }
    }
}

/// An event or a delivery that is old by its date.
private struct Dated {
    let id: String
    let delivery: DeliveryID?
    /// Whether it waits, is held or is being sent.
    let isOpen: Bool
    /// Of an event.
    var position: Int64?
    let createdAt: Timestamp

    /// Whether nothing tells that the clock it was dated by was behind: the date is before all, and none that is younger, and
    /// not of a clock that is ahead, stands before it in the log.
    func isOldByAllThatIsKnown(_ young: Int64) -> Bool {
        createdAt < Simulation.start && position.map { $0 < young } ?? false
    }

    static func all(before cutoff: Timestamp, in tx: any Transaction) throws -> [Dated] {
        let deliveries = try tx.rows(
            """
            SELECT id, state, created_at
            FROM delivery
            WHERE created_at < \(cutoff)
            """
        ).map { row in
            let state: DeliveryState = try row.get("state")
            return Dated(
                id: try row.get("id"), delivery: try row.get("id"), isOpen: state == .pending || state == .leased,
                createdAt: try row.get("created_at"))
        }
        let events = try tx.rows("SELECT id, position, created_at FROM event WHERE created_at < \(cutoff)").map { row in
            Dated(
                id: try row.get("id"), delivery: nil, isOpen: false, position: try row.find("position"),
                createdAt: try row.get("created_at"))
        }
        return deliveries + events
    }
}
