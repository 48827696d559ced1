import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

struct DeliveryQueriesTests {
    @Test(arguments: Engine.enabled) func theOldestAreClaimedUpToTheLimit(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            var events: [EventID] = []
            for _ in 0..<5 { events += try await harness.emit() }
            let lease = Lease(at: harness.clock.now())

            let claims = try await harness.claim(endpoint, limit: 3, lease: lease)

            #expect(Set(claims.map(\.eventID)) == Set(events.prefix(3)))
            #expect(claims.allSatisfy { $0.attempt == 1 && $0.step == 0 && $0.eventType == "phone.heartbeat.offline" })
            let rows = try await harness.deliveries(to: endpoint)
            #expect(rows.map(\.state) == [.leased, .leased, .leased, .pending, .pending])
            #expect(rows.map(\.lease) == [lease, lease, lease, nil, nil])
        }
    }

    @Test(arguments: Engine.enabled) func aClaimHasTheBodyOfTheEvent(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let event = try await harness.emit()[0]

            let claims = try await harness.claim(endpoint, lease: Lease(at: harness.clock.now()))

            let body: [UInt8]? = try await harness.store.read { tx in
                try tx.value("SELECT body AS value FROM event_body WHERE event_id = \(event)")
            }
            #expect(claims.map(\.body) == [try #require(body)])
        }
    }

    @Test(arguments: Engine.enabled) func nothingIsClaimedTwice(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(2)
            _ = try await harness.claim(endpoint, lease: Lease(at: harness.clock.now()))

            #expect(try await harness.claim(endpoint, lease: Lease(at: harness.clock.now())).isEmpty)
        }
    }

    @Test(arguments: Engine.enabled) func lanesAndDueTimesAreApart(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let dueAt = harness.clock.now() + .seconds(2)
            let first = try await harness.claim(endpoint, lease: lease)
            try await harness.record(first, .retry(at: dueAt), lease: lease)
            try await harness.emit()

            harness.clock.advance(by: .microseconds(1_999_999))
            #expect(try await harness.claim(endpoint, .retry, lease: lease).isEmpty)
            harness.clock.advance(by: .microseconds(1))
            let retries = try await harness.claim(endpoint, .retry, lease: lease)

            #expect(retries.map(\.id) == first.map(\.id))
            #expect(retries.map(\.attempt) == [2])
            #expect(retries.map(\.step) == [1])
            #expect(try await harness.claim(endpoint, .first, lease: lease).count == 1)
        }
    }

    @Test(arguments: Engine.enabled) func aClockSetBackHoldsUpNoFirstAttemptAndHastensNoRetry(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(2)
            let lease = Lease(at: harness.clock.now())

            harness.clock.advance(by: .seconds(-3_600))
            let claims = try await harness.claim(endpoint, lease: lease)
            try await harness.record(claims, .retry(at: harness.clock.now() + .seconds(2)), lease: lease)

            #expect(claims.count == 2)
            #expect(try await harness.claim(endpoint, .retry, lease: lease).isEmpty)
        }
    }

    @Test(arguments: Engine.enabled, [EndpointStatus.paused, .disabled])
    func endpointsThatAreNotActiveAreSkipped(engine: Engine, status: EndpointStatus) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            try await harness.change(endpoint) { $0.status = status }

            #expect(try await harness.claim(endpoint, lease: Lease(at: harness.clock.now())).isEmpty)
            let backlogs = try await harness.store.read { tx in try DeliveryQueries.backlogs(after: "", in: tx) }
            #expect(
                backlogs == [
                    DeliveryQueries.Backlog(
                        endpoint: endpoint, userID: EngineHarness.userID, dueAt: [:], version: 2)
                ])
        }
    }

    @Test(arguments: Engine.enabled) func aResultEndsItsDelivery(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claim(endpoint, lease: lease)
                .sorted { ($0.sequence ?? 0) < ($1.sequence ?? 0) }
            let dueAt = harness.clock.now() + .seconds(2)

            for (claim, verdict) in zip(claims, [Verdict.succeeded, .failed, .retry(at: dueAt)]) {
                #expect(try await harness.record([claim], verdict, lease: lease) == [])
            }

            let rows = try await harness.deliveries(to: endpoint)
            #expect(rows.map(\.state) == [.succeeded, .failed, .pending])
            #expect(rows.map(\.lane) == [.first, .first, .retry])
            #expect(rows.map(\.lease) == [nil, nil, nil])
            #expect(rows.map { $0.completedAt != nil } == [true, true, false])
            #expect(rows.map(\.step) == [0, 0, 1])
            #expect(rows.map(\.lastStatusCode) == [200, 500, 500])
            #expect(rows[2].dueAt == dueAt)
            #expect(try await harness.attempts(of: endpoint) == ["1 200", "1 500", "1 500"])
        }
    }

    @Test(arguments: Engine.enabled) func aResultOfAnotherLeaseIsRefused(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claim(endpoint, lease: lease)

            let refused = try await harness.record(claims, .succeeded, lease: Lease(at: harness.clock.now()))

            #expect(refused == claims.map(\.id))
            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.leased])
            #expect(try await harness.attempts(of: endpoint) == [])
        }
    }

    @Test(arguments: Engine.enabled) func aResultOfAnEarlierAttemptIsRefused(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let late = try await harness.claim(endpoint, lease: lease)
            _ = try await harness.store.write { tx in try NodeQueries.freeOrphans(limit: 10, in: tx) }
            let current = try await harness.claim(endpoint, lease: lease)

            #expect(try await harness.record(late, .failed, lease: lease) == late.map(\.id))
            #expect(try await harness.record(current, .succeeded, lease: lease) == [])
            #expect(try await harness.attempts(of: endpoint) == ["2 200"])
        }
    }

    @Test(arguments: Engine.enabled) func aResultIsTakenOnce(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claim(endpoint, lease: lease)
            try await harness.record(claims, .succeeded, lease: lease)

            #expect(try await harness.record(claims, .failed, lease: lease) == claims.map(\.id))
            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.succeeded])
        }
    }

    @Test(arguments: Engine.enabled) func theScanPagesOverEveryEndpoint(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let now = harness.clock.now()
            let ids = (0..<1_203).map { _ in EndpointID(at: now) }.sorted()
            try await harness.store.write { tx in
                for id in ids {
                    let endpoint = Endpoint(
                        id: id, userID: EngineHarness.userID, url: "https://receiver.example", signingKey: nil,
                        eventTypes: [.heartbeatOffline], owners: [EngineHarness.owner], createdAt: now, updatedAt: now)
                    try harness.endpoints.insert(endpoint, in: tx)
                }
            }
            try await harness.emit(2)

            let pages = try await harness.store.read { tx in
                var pages: [[DeliveryQueries.Backlog]] = []
                while pages.last?.isEmpty != true {
                    pages.append(try DeliveryQueries.backlogs(after: pages.last?.last?.endpoint.text ?? "", in: tx))
                }
                return pages
            }

            #expect(pages.map(\.count) == [500, 500, 203, 0])
            #expect(pages.joined().map(\.endpoint) == ids)
            let heads = try await harness.deliveries(to: ids[0])
            #expect(pages[0][0].dueAt == [.first: heads[0].dueAt])
        }
    }

    @Test(arguments: Engine.enabled) func theEventsOfAMessageAreClaimedInTheirOrder(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.change(endpoint) { $0.ordering = .message }
            let events = [("one", 1), ("one", 2), ("two", 1)].map {
                harness.event(order: EventOrder(key: $0, number: $1))
            }
            try await harness.store.write { tx in for event in events { try tx.emit(event) } }
            let lease = Lease(at: harness.clock.now())

            let heads = try await harness.claim(endpoint, lease: lease)
            #expect(Set(heads.map(\.eventID)) == [events[0].id, events[2].id])
            #expect(try await harness.claim(endpoint, lease: lease).isEmpty)

            try await harness.record(heads, .succeeded, lease: lease)
            #expect(try await harness.claim(endpoint, lease: lease).map(\.eventID) == [events[1].id])
        }
    }
}
