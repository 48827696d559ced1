import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Delivery

@Suite(.timeLimit(.minutes(15))) struct SystemResolverTests {
    private static let ann = LookupCaller.delivery(account: "ann", endpoint: "1")
    private static let first = [IPAddress(v4: 0x0101_0101)]
    private static let second = [IPAddress(v4: 0x0202_0202)]

    /// Runs `body` with a resolver over scripted lookups, and the clock of its memory.
    private func withResolver<Value>(
        _ lookups: ScriptedLookups, limits: LookupPlaces.Limits = .init(), patience: TimeAmount = .milliseconds(20),
        body: (SystemResolver, LookupClock) async throws -> Value
    ) async throws -> Value {
        let clock = LookupClock()
        let resolver = SystemResolver(lookups: lookups, limits: limits, patience: patience, now: { clock.now })
        defer { resolver.shutdown() }
        return try await body(resolver, clock)
    }

    @Test func localhostResolvesToLoopback() async throws {
        let resolver = try SystemResolver()
        defer { resolver.shutdown() }

        let addresses = try await resolver.resolve("localhost", for: Self.ann, within: .seconds(10))

        #expect(addresses.contains(IPAddress(v4: 0x7F00_0001)) || addresses.contains(IPAddress(v6: 1)))
    }

    @Test func theCallersLimitHoldsWhileTheLookupHangs() async throws {
        try await withResolver(ScriptedLookups()) { resolver, _ in
            let start = ContinuousClock.now

            await #expect(throws: ResolutionError.timedOut) {
                try await resolver.resolve("a", for: Self.ann, within: .milliseconds(50))
            }
            await #expect(throws: ResolutionError.timedOut) {
                try await resolver.resolve("a", for: Self.ann, within: .zero)
            }

            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test func cancellationEndsTheWait() async throws {
        try await withResolver(ScriptedLookups()) { resolver, _ in
            let task = Task { try await resolver.resolve("a", for: Self.ann, within: .seconds(60)) }
            task.cancel()

            await #expect(throws: ResolutionError.cancelled) { try await task.value }
        }
    }

    @Test func manyCallersShareOneLookupThoughSomeLeaveIt() async throws {
        let lookups = ScriptedLookups()
        try await withResolver(lookups) { resolver, _ in
            let timeouts = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        do throws(ResolutionError) {
                            _ = try await resolver.resolve("a", for: Self.ann, within: .milliseconds(100))
                            return false
                        } catch {
                            return error == .timedOut
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            lookups.started[0].answer(.success(Self.first))
            let addresses = try await resolver.resolve("a", for: Self.ann, within: .seconds(30))

            #expect(timeouts == 20)
            #expect(addresses == Self.first)
            #expect(lookups.names == ["a"])
        }
    }

    @Test func aNameInUseIsLookedUpAgainBeforeAnybodyWaits() async throws {
        let lookups = ScriptedLookups { _, count in count == 0 ? .success(Self.first) : nil }
        try await withResolver(lookups, patience: .minutes(1)) { resolver, clock in
            for second in [0, 19, 1] as [Int64] {
                clock.advance(by: .seconds(second))
                let found1 = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
                #expect(found1 == Self.first)
            }
            #expect(lookups.names == ["a", "a"])
            // It runs already.
            let found2 = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            #expect(found2 == Self.first)
            lookups.started[1].answer(.success(Self.second))

            let found3 = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            #expect(found3 == Self.second)
            #expect(lookups.names == ["a", "a"])
        }
    }

    @Test func theLastGoodAnswerIsUsedWhileALookupHangs() async throws {
        let lookups = ScriptedLookups { _, count in count == 0 ? .success(Self.first) : nil }
        try await withResolver(lookups) { resolver, clock in
            _ = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            clock.advance(by: .hours(5))
            let before = resolver.knowledge(of: "a")

            let late = try await resolver.resolve("a", for: Self.ann, within: .seconds(60))
            let after = resolver.knowledge(of: "a")
            let atOnce = try await resolver.resolve("a", for: Self.ann, within: .zero)
            clock.advance(by: .hours(1))

            #expect(late == Self.first)
            #expect(atOnce == Self.first)
            #expect(before == .nothing && after == .addresses)
            #expect(lookups.names == ["a", "a"])
            // Six hours are enough.
            await #expect(throws: ResolutionError.timedOut) {
                try await resolver.resolve("a", for: Self.ann, within: .milliseconds(10))
            }
        }
    }

    @Test(arguments: [ResolutionError.failed("SERVFAIL"), .timedOut, .unavailable])
    func theLastGoodAnswerIsUsedWhenALookupFails(error: ResolutionError) async throws {
        let lookups = ScriptedLookups { _, count in count == 0 ? .success(Self.first) : .failure(error) }
        try await withResolver(lookups, patience: .minutes(1)) { resolver, clock in
            _ = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            clock.advance(by: .minutes(1))

            let found4 = try await resolver.resolve("a", for: Self.ann, within: .seconds(60))
            #expect(found4 == Self.first)
            #expect(resolver.knowledge(of: "a") == .addresses)
        }
    }

    @Test func aNameThatIsGoneIsGone() async throws {
        let lookups = ScriptedLookups { _, count in count == 0 ? .success(Self.first) : .failure(.notFound) }
        try await withResolver(lookups, patience: .minutes(1)) { resolver, clock in
            _ = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            clock.advance(by: .minutes(1))

            await #expect(throws: ResolutionError.notFound) {
                try await resolver.resolve("a", for: Self.ann, within: .seconds(60))
            }
        }
    }

    @Test func aDeadNameIsNotLookedUpForEachOfItsEvents() async throws {
        let lookups = ScriptedLookups { _, _ in .failure(.timedOut) }
        try await withResolver(lookups) { resolver, clock in
            for _ in 0..<100 {
                clock.advance(by: .seconds(1))
                await #expect(throws: ResolutionError.timedOut) {
                    try await resolver.resolve("a", for: Self.ann, within: .seconds(60))
                }
            }

            // At 1, 6, 16, 36 and 76 s.
            #expect(lookups.names.count == 5)
            #expect(resolver.counts.timedOut == 5)
            #expect(resolver.counts.failing == 1)
        }
    }

    @Test func whatThePolicyRefusedIsLookedUpAgainAfterFiveSeconds() async throws {
        let lookups = ScriptedLookups { _, count in .success(count == 0 ? Self.first : Self.second) }
        try await withResolver(lookups) { resolver, clock in
            _ = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            resolver.distrust("a")
            clock.advance(by: .seconds(4))
            let before = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            clock.advance(by: .seconds(1))
            let after = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))

            #expect(before == Self.first)
            #expect(after == Self.second)
        }
    }

    @Test func whoeverSavesAWebhookIsToldOfThePresent() async throws {
        let lookups = ScriptedLookups { _, count in count == 0 ? .failure(.notFound) : .success(Self.second) }
        try await withResolver(lookups) { resolver, clock in
            await #expect(throws: ResolutionError.notFound) {
                try await resolver.resolve("a", for: Self.ann, within: .seconds(10))
            }

            let saved = try await resolver.resolve("a", for: .save(account: "ann"), within: .seconds(10))
            let delivered = try await resolver.resolve("a", for: Self.ann, within: .seconds(10))

            #expect(saved == Self.second)
            // And deliveries learn of it.
            #expect(delivered == Self.second)
        }
    }

    @Test func savesAndDeliveriesDoNotTakeEachOthersPlaces() async throws {
        let lookups = ScriptedLookups { name, _ in name.hasPrefix("dead") ? nil : .success(Self.first) }
        var limits = LookupPlaces.Limits()
        limits.deliveries = 20
        limits.saves = 20
        limits.accountSaves = 100
        limits.accountDeliveries = 100
        try await withResolver(lookups, limits: limits) { resolver, _ in
            for index in 0..<30 {
                _ = try? await resolver.resolve(
                    "dead\(index)", for: .delivery(account: "eve", endpoint: "eve \(index)"), within: .zero)
            }
            let found5 = try await resolver.resolve("a", for: .save(account: "ann"), within: .seconds(60))
            #expect(found5 == Self.first)
            for index in 0..<30 {
                _ = try? await resolver.resolve("dead-save\(index)", for: .save(account: "eve"), within: .zero)
            }
            await #expect(throws: ResolutionError.unavailable) {
                try await resolver.resolve("b", for: .save(account: "ann"), within: .seconds(60))
            }

            #expect(resolver.counts.running == 40)
            #expect(resolver.counts.refused == 21)
        }
    }

    @Test func serversOfTheOperatorHavePlacesOfTheirOwnAndKeepTheirLastGoodAnswer() async throws {
        let lookups = ScriptedLookups { name, count in
            name == "firebase" && count == 0 ? .success(Self.first) : nil
        }
        try await withResolver(lookups) { resolver, clock in
            for index in 0..<1_000 {
                _ = try? await resolver.resolve(
                    "dead\(index)", for: .delivery(account: "\(index)", endpoint: "\(index)"), within: .zero)
                _ = try? await resolver.resolve("saved\(index)", for: .save(account: "\(index)"), within: .zero)
            }
            let found = try await resolver.resolve("firebase", for: .operated, within: .seconds(60))
            clock.advance(by: .hours(5))
            let late = try await resolver.resolve("firebase", for: .operated, within: .seconds(60))

            #expect(found == Self.first)
            #expect(late == Self.first)
            #expect(lookups.names.count { $0 == "firebase" } == 2)
        }
    }

    @Test func oneAccountCannotTakeAllPlaces() async throws {
        let lookups = ScriptedLookups { name, _ in name == "healthy" ? .success(Self.first) : nil }
        try await withResolver(lookups) { resolver, _ in
            for index in 0..<1_000 {
                _ = try? await resolver.resolve(
                    "dead\(index)", for: .delivery(account: "eve", endpoint: "eve \(index)"), within: .zero)
            }
            for index in 0..<10 {
                _ = try? await resolver.resolve(
                    "other\(index)", for: .delivery(account: "mallory", endpoint: "mallory"), within: .zero)
            }

            #expect(lookups.names.count == 32 + 2)
            let found6 = try await resolver.resolve("healthy", for: Self.ann, within: .seconds(60))
            #expect(found6 == Self.first)
        }
    }

    @Test func aLookupThatHangsMakesWayForAnother() async throws {
        let lookups = ScriptedLookups { name, _ in name == "healthy" ? .success(Self.first) : nil }
        var limits = LookupPlaces.Limits()
        limits.deliveries = 3
        try await withResolver(lookups, limits: limits) { resolver, clock in
            let waiting = Task { try await resolver.resolve("dead", for: Self.ann, within: .seconds(60)) }
            try await until("a lookup begins") { lookups.started.count == 1 }
            for index in 0..<2 {
                clock.advance(by: .milliseconds(1))
                _ = try? await resolver.resolve(
                    "dead\(index)", for: .delivery(account: "eve", endpoint: "eve \(index)"), within: .zero)
            }
            clock.advance(by: .milliseconds(990))
            await #expect(throws: ResolutionError.unavailable) {
                try await resolver.resolve("healthy", for: .delivery(account: "bob", endpoint: "b"), within: .zero)
            }
            clock.advance(by: .milliseconds(10))
            let addresses = try await resolver.resolve(
                "healthy", for: .delivery(account: "bob", endpoint: "b"), within: .seconds(60))

            #expect(addresses == Self.first)
            await #expect(throws: ResolutionError.timedOut) { try await waiting.value }
            #expect(lookups.cancelled == [lookups.started[0].id])
            // What it says afterwards is nobody's business.
            lookups.started[0].answer(.success(Self.second))
            await #expect(throws: ResolutionError.timedOut) {
                try await resolver.resolve("dead", for: Self.ann, within: .seconds(60))
            }
            #expect(resolver.counts.running == 2)
        }
    }

    @Test func tenThousandDeadNamesOfAThousandAccountsAreBounded() async throws {
        let lookups = ScriptedLookups { name, _ in name == "healthy" ? .success(Self.first) : nil }
        try await withResolver(lookups) { resolver, clock in
            for index in 0..<10_000 {
                _ = try? await resolver.resolve(
                    "dead\(index)", for: .delivery(account: "\(index / 10)", endpoint: "\(index)"), within: .zero)
            }
            let whenFull = resolver.counts
            clock.advance(by: .seconds(1))
            let found = try await resolver.resolve(
                "healthy", for: .delivery(account: "ann", endpoint: "ann"), within: .seconds(60))

            #expect(whenFull.running == 512)
            #expect(whenFull.refused == 10_000 - 512)
            // It took the place of the one that hung for longest.
            #expect(found == Self.first)
            #expect(lookups.cancelled.count == 1)
        }
    }

    @Test func aNameWithoutAPlaceIsNotPrepared() async throws {
        var limits = LookupPlaces.Limits()
        limits.deliveries = 0
        try await withResolver(ScriptedLookups(), limits: limits) { resolver, _ in
            await #expect(throws: ResolutionError.unavailable) {
                try await resolver.resolve("a", for: Self.ann, within: .seconds(60))
            }
            #expect(resolver.knowledge(of: "a") == .nothing)
        }
    }

    @Test func otherFilesLetDeadNamesBeLookedUpAtOnce() async throws {
        let path = try TemporaryFile("nameserver 127.0.0.1\n")
        let lookups = ScriptedLookups { _, count in count == 0 ? .failure(.timedOut) : .success(Self.first) }
        var files = NameServiceFiles()
        files.resolvConf = path.path
        let clock = LookupClock()
        let resolver = SystemResolver(files: files, lookups: lookups, now: { clock.now })
        defer { resolver.shutdown() }
        await #expect(throws: ResolutionError.timedOut) {
            try await resolver.resolve("a", for: Self.ann, within: .seconds(60))
        }

        try path.replace("nameserver 127.0.0.2\n# changed\n")
        clock.advance(by: .seconds(1))

        let found7 = try await resolver.resolve("a", for: Self.ann, within: .seconds(60))
        #expect(found7 == Self.first)
    }

    @Test func shutdownEndsEveryWait() async throws {
        let lookups = ScriptedLookups()
        try await withResolver(lookups) { resolver, _ in
            let waiting = Task { try await resolver.resolve("a", for: Self.ann, within: .seconds(60)) }
            try await until("a lookup begins") { !lookups.started.isEmpty }
            resolver.shutdown()

            await #expect(throws: ResolutionError.unavailable) { try await waiting.value }
            await #expect(throws: ResolutionError.unavailable) {
                try await resolver.resolve("b", for: Self.ann, within: .seconds(60))
            }
        }
    }
}
