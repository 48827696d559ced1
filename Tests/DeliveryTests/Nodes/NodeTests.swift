import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Leases of the processes that share a store.
@Suite(.timeLimit(.minutes(15))) struct NodeTests {
    @Test(arguments: Engine.enabled) func aNodeThatDoesNotRenewIsFencedOnceAndItsDeliveriesAreFreed(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(5)
            let (living, dead) = (Lease(at: harness.clock.now()), Lease(at: harness.clock.now()))
            try await harness.enter(living, "living")
            try await harness.enter(dead, "dead", life: .seconds(-1))
            let kept = try await harness.claim(endpoint, limit: 2, lease: living)
            let late = try await harness.claim(endpoint, limit: 3, lease: dead)

            let fenced = try await harness.write { tx in
                [try NodeQueries.fenceDead(except: nil, in: tx), try NodeQueries.fenceDead(except: nil, in: tx)]
            }
            #expect(fenced == [["dead"], []])
            #expect(try await harness.write { tx in try NodeQueries.freeOrphans(limit: 2, in: tx) } == 2)
            #expect(try await harness.write { tx in try NodeQueries.freeOrphans(limit: 2, in: tx) } == 1)

            let rows = try await harness.deliveries(to: endpoint)
            #expect(Set(rows.filter { $0.state == .leased }.map(\.id)) == Set(kept.map(\.id)))
            #expect(
                rows.filter { $0.state == .pending }.allSatisfy { $0.attempt == 1 && $0.step == 0 && $0.lease == nil })
            #expect(Set(try await harness.record(late, .succeeded, lease: dead)) == Set(late.map(\.id)))
        }
    }

    @Test(arguments: Engine.enabled) func nobodyFencesItselfWhenTheDatabasesClockIsSetForward(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let (own, other) = (Lease(at: harness.clock.now()), Lease(at: harness.clock.now()))
            // As after a step: both leases ran out long ago.
            try await harness.enter(own, "own", life: .seconds(-7_200))
            try await harness.enter(other, "other", life: .seconds(-7_200))

            #expect(try await harness.write { tx in try NodeQueries.fenceDead(except: own, in: tx) } == ["other"])
            #expect(try await harness.write { tx in try NodeQueries.renew(own, life: .seconds(20), in: tx) })
        }
    }

    @Test(arguments: Engine.enabled) func whoRenewedInTheLastMomentIsNotFenced(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let (own, other) = (Lease(at: harness.clock.now()), Lease(at: harness.clock.now()))
            try await harness.enter(other, "other", life: .seconds(-1))
            let seen = try await harness.store.read { tx in try NodeQueries.others(than: own, in: tx) }
            _ = try await harness.write { tx in try NodeQueries.renew(other, life: .seconds(20), in: tx) }

            #expect(seen.map(\.isOver) == [true])
            #expect(try await harness.write { tx in try seen.compactMap { try NodeQueries.fence($0, in: tx) } } == [])
        }
    }

    /// The database's clock is set an hour forward, or back: leases that are renewed hold, and those that are not end.
    @Test(arguments: Engine.enabled, [3_600, -3_600]) func aStepOfTheDatabasesClockTakesNobodyForDead(
        engine: Engine, step: Int
    ) async throws {
        try await withEngine(engine) { harness in
            let clock = harness.clock
            try await harness.enter(Lease(at: clock.now()), "living")
            try await harness.enter(Lease(at: clock.now()), "dead")
            let membership = try await harness.join("observer")
            // What the renewals of others leave, as long as they come.
            @Sendable func renewal(_ name: String, after seconds: Int) async throws {
                let end: Duration = .seconds(20 + step + seconds)
                try await harness.write { tx in
                    _ = try tx.run(
                        "UPDATE node SET alive_until = \(.databaseTime) + \(end) WHERE name = \(name) AND fenced = 0")
                }
            }
            try await renewal("dead", after: 0)

            // A minute and a half by the clock that nobody can set, in which only one of the others renews.
            var watch = LeaseWatch(life: .seconds(20))
            for second in 0..<90 {
                try await renewal("living", after: second)
                try await membership.freeDead(&watch)
                clock.advance(by: .seconds(1))
            }
            let nodes = try await harness.store.read { tx in try NodeQueries.all(in: tx) }
            #expect(nodes.filter(\.isFenced).map(\.name) == ["dead"])
        }
    }

    @Test func aLeaseIsDeadWhenItDidNotMoveForOneLife() {
        var watch = LeaseWatch(life: .seconds(20))
        let start = ContinuousClock.now
        let (lease, end) = (Lease(at: .first), Timestamp(microseconds: 1_000_000))
        func look(_ second: Int, end: Timestamp, isOver: Bool = true) -> Bool {
            !watch.dead(
                [.init(lease: lease, aliveUntil: end, isOver: isOver)], at: start + .seconds(second)
            ).isEmpty
        }
        for second in 0..<20 { #expect(!look(second, end: end), "\(second)") }
        #expect(look(20, end: end))
        // It moved, if only back.
        #expect(!look(21, end: end - .seconds(1)))
        for second in 22..<41 { #expect(!look(second, end: end - .seconds(1)), "\(second)") }
        #expect(look(41, end: end - .seconds(1)))
        // A look that comes late begins again: who hung has seen nothing, and where the database hung nobody could renew.
        #expect(!look(60, end: end - .seconds(1)))
        // One that ends in the future by the database's clock gets three lives.
        for second in 61..<120 { #expect(!look(second, end: end - .seconds(1), isOver: false), "\(second)") }
        #expect(look(120, end: end - .seconds(1), isOver: false))
    }

    @Test(arguments: Engine.enabled) func aFencedLeaseCannotBeRenewed(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let lease = Lease(at: harness.clock.now())
            try await harness.enter(lease, "node", life: .seconds(-1))
            #expect(try await harness.write { tx in try NodeQueries.renew(lease, life: .seconds(-1), in: tx) })

            _ = try await harness.write { tx in try NodeQueries.fenceDead(except: nil, in: tx) }

            #expect(try await harness.write { tx in try NodeQueries.renew(lease, life: .seconds(20), in: tx) } == false)
        }
    }

    @Test(arguments: Engine.enabled) func whatAFencedNodeStillClaimsIsFreedByTheNextLook(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            try await harness.enter(lease, "frozen", life: .seconds(-1))
            _ = try await harness.write { tx in try NodeQueries.fenceDead(except: nil, in: tx) }

            _ = try await harness.claim(endpoint, lease: lease)

            #expect(try await harness.write { tx in try NodeQueries.freeOrphans(limit: 500, in: tx) } == 1)
        }
    }

    @Test(arguments: Engine.enabled) func nodesShareAStoreUnlessOneIsAlone(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(2)
            let first = try await harness.join("first")
            let claimed = try await harness.claim(endpoint, limit: 1, lease: first.lease.current)

            let second = try await harness.join("second")
            #expect(try await harness.count(.leased) == 1)
            let third = try await harness.join("third", isAlone: true)

            #expect(try await harness.count(.leased) == 0)
            let nodes = try await harness.store.read { tx in try NodeQueries.all(in: tx) }
            #expect(nodes.map(\.name) == ["first", "second", "third"])
            #expect(nodes.map(\.isFenced) == [true, true, false])
            #expect(try await harness.record(claimed, .succeeded, lease: first.lease.current) == claimed.map(\.id))
            _ = (second, third)
        }
    }

    @Test func aLeaseOutlivesAnAttemptOnlyWhileItHoldsForLonger() {
        let lease = Lease(at: Timestamp(microseconds: 0))
        let other = Lease(at: Timestamp(microseconds: 1))

        #expect(OwnLease(lease).outlives(.seconds(3_600), lease: lease))
        #expect(!OwnLease(lease).outlives(.zero, lease: other))
        #expect(OwnLease(lease, until: .now + .seconds(60)).outlives(.seconds(5), lease: lease))
        #expect(!OwnLease(lease, until: .now + .seconds(4)).outlives(.seconds(5), lease: lease))
        #expect(!OwnLease(lease, until: .now - .seconds(1)).outlives(.zero, lease: lease))
    }

    @Test(arguments: Engine.enabled) func aClaimThatTheLeaseMayNotOutliveIsGivenBackUnsent(engine: Engine) async throws
    {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let lease = OwnLease(Lease(at: harness.clock.now()), clock: harness.clock)
            // The lease is lost while the first delivery is sent; the one behind it is claimed before that.
            let gate = Gate()
            let sender = ScriptedSender { _, _ in
                await gate.outcome(.response(statusCode: 200))
            }
            try await harness.emit()
            try await harness.dispatching(sender, lease: lease) { _ in
                try await sender.untilSent(1)
                lease.set(lease.current, until: harness.clock.boot())
                try await harness.emit(3)
                // Longer than the look at the store, which would have claimed them.
                try await until("the dispatcher looks again") {
                    try await harness.count(.pending) == 3
                }
                lease.set(lease.current, until: nil)
                try await sender.untilSent(4)
                gate.open()
            }
            #expect(try await harness.deliveries(to: endpoint).map(\.state) == Array(repeating: .succeeded, count: 4))
        }
    }

    @Test(arguments: Engine.enabled) func nodesLetGoWhatWasHeldOneAtATimeTogether(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            for _ in 0..<3 {
                try await harness.emit()
                harness.clock.advance(by: .seconds(1))
            }
            try await harness.change(id) { $0.release = Release(rate: nil, through: 3) }
            let (one, two) = (Lease(at: harness.clock.now()), Lease(at: harness.clock.now()))

            let first = try await harness.release(id, lease: one)
            #expect(first.map { $0.sequence } == 1)
            #expect(try await harness.release(id, lease: two) == nil)
            try await harness.record([try #require(first)], .succeeded, lease: one)
            let second = try await harness.release(id, lease: two)

            #expect(second?.sequence == 2)
            #expect(try await harness.release(id, lease: one) == nil)
        }
    }

    @Test(arguments: Engine.enabled) func nodesKeepThePaceOfAReleaseTogether(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            for _ in 0..<2 {
                try await harness.emit()
                harness.clock.advance(by: .seconds(1))
            }
            try await harness.change(id) { $0.release = Release(rate: 0.5, through: 2) }
            let (one, two) = (Lease(at: harness.clock.now()), Lease(at: harness.clock.now()))
            let first = try #require(try await harness.release(id, lease: one))
            try await harness.record([first], .succeeded, lease: one)

            #expect(try await harness.release(id, lease: two) == nil)
            harness.clock.advance(by: .seconds(2))

            #expect(try await harness.release(id, lease: two)?.sequence == 2)
        }
    }
}

extension NodeQueries {
    /// What a node does that has seen all others do nothing for long enough: fences those that are over by the database's
    /// clock, and gives their names.
    static func fenceDead(except own: Lease?, in tx: any Transaction) throws -> [String] {
        let own = own ?? Lease(at: .first)
        return try others(than: own, in: tx).filter(\.isOver).compactMap { try fence($0, in: tx) }
    }
}

extension EngineHarness {
    fileprivate func write<T: Sendable>(
        _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await store.write(.engine, body)
    }

    fileprivate func enter(_ lease: Lease, _ name: String, life: Duration = .seconds(20)) async throws {
        try await write { tx in try NodeQueries.insert(lease, name: name, version: "1", life: life, in: tx) }
    }

    fileprivate func join(_ name: String, isAlone: Bool = false) async throws -> NodeMembership {
        try await NodeMembership.join(
            store, as: .init(name: name, version: "1"), isAlone: isAlone, clock: clock, logger: Self.logger)
    }

    /// The next delivery of a release, by a node with `lease`; nil when it has to wait.
    fileprivate func release(_ id: EndpointID, lease: Lease) async throws -> ClaimedDelivery? {
        try await write { [endpoints, clock] tx in
            let endpoint = try #require(try endpoints.find(id, userID: Self.userID, in: tx))
            let release = try #require(endpoint.release)
            let claim = try ReleaseQueries.claim(endpoint, release, lease: lease, at: clock.now(), in: tx)
            if case .taken(let taken) = claim { return taken.deliveries.first }
            return nil
        }
    }
}
