import Foundation
import HTTPSMSWebhooks
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

struct EndpointQueriesTests {
    @Test(arguments: Engine.enabled) func whatWasInsertedIsFoundAsItWas(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = Endpoint(
                id: EndpointID(at: harness.clock.now()), userID: EngineHarness.userID,
                url: "https://user:pw@receiver.example/Hook?x=1", signingKey: Secret("a key, 🔑"),
                eventTypes: [.messageSent, .heartbeatOnline], owners: ["+18005550199", "+18005550100"],
                createdAt: harness.clock.now(), updatedAt: harness.clock.now())

            try await harness.store.write { tx in try harness.endpoints.insert(endpoint, in: tx) }

            #expect(try await find(endpoint.id, harness) == endpoint)
            #expect(try await find(endpoint.id, harness, userID: UserID("user-2")) == nil)
        }
    }

    @Test(arguments: Engine.enabled) func aChangeIsKeptUnderTheNextVersionAndTellsTheDispatcher(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint(signingKey: "old")
            _ = harness.store.wakeups.takeKeys(.deliveries)

            try await harness.change(id) { endpoint in
                endpoint.url = "https://other.example/"
                endpoint.signingKey = Secret("new")
                endpoint.eventTypes = [.callMissed]
                endpoint.owners = ["+18005550100"]
            }

            let endpoint = try #require(try await find(id, harness))
            #expect(endpoint.url == "https://other.example/")
            #expect(endpoint.signingKey == Secret("new"))
            #expect(endpoint.eventTypes == [.callMissed])
            #expect(endpoint.owners == ["+18005550100"])
            #expect(endpoint.version == 2)
            #expect(harness.store.wakeups.takeKeys(.deliveries) == [id.text])
        }
    }

    @Test(arguments: Engine.enabled) func eventsFollowAChangedChoice(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            try await harness.change(id) { $0.owners = ["+18005550100"] }

            try await harness.emit()
            let matching = try await harness.emit(owner: "+18005550100")

            #expect(try await harness.deliveries(to: id).map(\.eventID) == matching)
        }
    }

    @Test func signingKeysAreNowhereInTheFiles() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await SQLiteStore.open(path: directory + "/test.db")
            let endpoints = EndpointQueries(keyring: try Keyring(masterKey: EngineHarness.masterKey))
            try await closing(store) {
                _ = try await store.migrate(DeliveryMigrations.all)
                let harness = EngineHarness(store: store, clock: ManualClock(), endpoints: endpoints)
                let id = try await harness.addEndpoint("https://in-clear.example", signingKey: "do-not-store-me")
                try await harness.change(id) { endpoint in
                    endpoint.signingKey = Secret("nor-me-either")
                    endpoint.headers = EndpointHeaders(
                        fields: [.init(name: "X-A", value: Secret("no-header-of-mine"))],
                        basic: .init(user: "user", password: Secret("no-password-of-mine")))
                }
                #expect(try bytes(in: directory).contains(Data("in-clear.example".utf8)))
                let stored = try bytes(in: directory)
                #expect(!stored.contains(Data("do-not-store-me".utf8)))
                #expect(!stored.contains(Data("nor-me-either".utf8)))
                #expect(!stored.contains(Data("no-header-of-mine".utf8)))
                #expect(!stored.contains(Data("no-password-of-mine".utf8)))
                #expect(try await find(id, harness)?.headers.fields.first?.value == Secret("no-header-of-mine"))
            }
        }
    }

    @Test(arguments: Engine.enabled) func aKeyIsBoundToItsEndpoint(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let one = try await harness.addEndpoint(signingKey: "one")
            let two = try await harness.addEndpoint(signingKey: "two")

            try await harness.store.write { tx in
                _ = try tx.run(
                    """
                    UPDATE endpoint
                    SET signing_key = (SELECT o.signing_key FROM endpoint o WHERE o.id = \(one))
                    WHERE id = \(two)
                    """)
            }

            let endpoint = try #require(try await find(two, harness))
            #expect(endpoint.signingKey == nil)
            #expect(endpoint.unreadableKey != nil)
        }
    }

    @Test(arguments: Engine.enabled) func aChangeElsewhereKeepsAKeyThatDoesNotOpen(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint(signingKey: "key")
            let damaged = [UInt8](repeating: 1, count: 60)
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE endpoint SET signing_key = \(damaged) WHERE id = \(id)")
            }

            try await harness.change(id) { $0.url = "https://other.example/" }

            #expect(try await find(id, harness)?.unreadableKey == damaged, "without it, it would be sent to unsigned")
        }
    }

    @Test(arguments: Engine.enabled) func headersThatDoNotOpenHoldTheEndpoint(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            try await harness.change(id) { endpoint in
                endpoint.headers = EndpointHeaders(fields: [.init(name: "X-A", value: Secret("a"))], basic: nil)
            }
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE endpoint SET headers = \([UInt8](repeating: 1, count: 60)) WHERE id = \(id)")
            }

            try await harness.change(id) { $0.url = "https://other.example/" }
            let kept = try await find(id, harness)
            let request = ReadySet.Request(endpoint: id, lane: .first, limit: 1)
            let claimed = try await harness.store.write { tx in
                try DispatcherWork(endpoints: harness.endpoints).claim(
                    [request], lease: Lease(at: tx.now), at: tx.now, in: tx)
            }

            #expect(kept?.headers == EndpointHeaders.none && kept?.unreadableHeaders != nil)
            guard case .disabled(EndpointQueries.unreadableHeaders)? = claimed.first else {
                Issue.record("\(claimed)")
                return
            }
            #expect(try await find(id, harness)?.status == .disabled)
        }
    }

    @Test(arguments: Engine.enabled) func aDeletedEndpointIsGoneForItsUser(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint(signingKey: "key")
            try await harness.emit()

            try await harness.store.write { tx in try harness.endpoints.delete(id, in: tx) }
            try await harness.emit()

            #expect(try await find(id, harness) == nil)
            #expect(try await list(harness) == [])
            let count = try await harness.store.read { tx in
                try harness.endpoints.count(userID: EngineHarness.userID, in: tx)
            }
            #expect(count == 0)
            #expect(try await harness.deliveries(to: id).count == 1, "nothing new is collected for it")
        }
    }

    @Test(arguments: Engine.enabled) func whatWaitsForADeletedEndpointIsCancelledInBatches(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let deleted = try await harness.addEndpoint()
            try await harness.emit(5)
            let kept = try await harness.addEndpoint()
            try await harness.emit(1)
            let leased = try await harness.claim(deleted, limit: 1, lease: Lease(at: harness.clock.now()))
            try await harness.store.write { tx in try harness.endpoints.delete(deleted, in: tx) }

            var batches = 0
            while try await harness.store.write(
                .maintenance, { tx in try DeliveryQueries.cancelForDeletedEndpoints(limit: 2, in: tx) })
            {
                batches += 1
            }

            #expect(batches == 3)
            #expect(try await harness.deliveries(to: deleted).map(\.state) == Array(repeating: .cancelled, count: 6))
            #expect(try await harness.deliveries(to: deleted).allSatisfy { $0.lease == nil && $0.completedAt != nil })
            #expect(try await harness.deliveries(to: kept).map(\.state) == [.pending])
            let late = try await harness.record(leased, .succeeded, lease: Lease(at: harness.clock.now()))
            #expect(late == leased.map(\.id))
            let rows = try await harness.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM endpoint", as: Int.self)
            }
            #expect(rows == 1)
        }
    }

    @Test(arguments: Engine.enabled) func aRemovedNumberPausesTheEndpointsItLeavesWithoutOne(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let only = try await harness.addEndpoint()
            let both = try await harness.addEndpoint(owners: [EngineHarness.owner, "+18005550100"])
            let other = try await harness.addEndpoint(owners: ["+18005550100"])
            let foreign = try await harness.addEndpoint(userID: UserID("user-2"))

            try await harness.store.write { tx in
                try harness.endpoints.removeOwner(EngineHarness.owner, userID: EngineHarness.userID, in: tx)
            }

            let paused = try #require(try await find(only, harness))
            #expect(paused.owners == [])
            #expect(paused.status == .paused)
            #expect(paused.statusReason == EndpointQueries.noOwnersLeft)
            let left = try #require(try await find(both, harness))
            #expect(left.owners == ["+18005550100"])
            #expect(left.status == .active)
            #expect(try await find(other, harness)?.version == 1)
            #expect(try await find(foreign, harness, userID: UserID("user-2"))?.owners == [EngineHarness.owner])
        }
    }

    @Test(arguments: Engine.enabled) func theListIsNewestFirstAndSearchesURLsLiterally(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            var ids: [EndpointID] = []
            for url in ["https://a.example/100%", "https://b.example/100_", "https://C.example/x"] {
                ids.append(try await harness.addEndpoint(url))
                harness.clock.advance(by: .seconds(1))
            }

            #expect(try await list(harness) == ids.reversed())
            #expect(try await list(harness, containing: "0%") == [ids[0]])
            #expect(try await list(harness, containing: "0_") == [ids[1]])
            #expect(try await list(harness, containing: "c.EXAMPLE") == [ids[2]])
            #expect(try await list(harness, skip: 1, limit: 1) == [ids[1]])
        }
    }

    private func find(
        _ id: EndpointID, _ harness: EngineHarness, userID: UserID = EngineHarness.userID
    ) async throws -> Endpoint? {
        try await harness.store.read { tx in try harness.endpoints.find(id, userID: userID, in: tx) }
    }

    private func list(
        _ harness: EngineHarness, containing text: String = "", skip: Int = 0, limit: Int = 20
    ) async throws -> [EndpointID] {
        try await harness.store.read { tx in
            try harness.endpoints.list(
                userID: EngineHarness.userID, containing: text, skip: skip, limit: limit, in: tx
            ).map(\.id)
        }
    }

    private func bytes(in directory: String) throws -> Data {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(into: Data()) { data, name in
            data += try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name))
        }
    }
}

extension Data {
    fileprivate func contains(_ other: Data) -> Bool { range(of: other) != nil }
}
