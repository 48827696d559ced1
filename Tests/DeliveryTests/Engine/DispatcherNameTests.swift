import NIOCore
import Storage
import TestSupport
import Testing

@testable import Delivery

/// The engine over the real sender and the real memory of names; only the lookups are scripted: those of dead names hang.
@Suite(.timeLimit(.minutes(15)))
struct DispatcherNameTests {
    /// Few slots, so that a handful of attempts that hold one would stop everything.
    private static var fewSlots: ReadySet.Limits {
        var limits = ReadySet.Limits.forTests
        limits.slots = 4
        return limits
    }

    /// Runs `body` with a dispatcher whose receivers all answer 200, each at `http://NAME:PORT/`.
    private func dispatching(
        _ harness: EngineHarness, _ lookups: ScriptedLookups, places: LookupPlaces.Limits = .init(), port: Int,
        _ body: (SystemResolver) async throws -> Void
    ) async throws {
        let resolver = SystemResolver(lookups: lookups, limits: places)
        defer { resolver.shutdown() }
        try await withSender(resolver: resolver) { sender in
            try await harness.dispatching(sender, limits: Self.fewSlots, scanInterval: .milliseconds(50)) { _ in
                try await body(resolver)
            }
        }
    }

    /// Adds an endpoint of an account of its own with some events; the name is the account's, too.
    private func add(_ name: String, to harness: EngineHarness, port: Int, events: Int = 1) async throws -> EndpointID {
        let user = UserID(name)
        let id = try await harness.addEndpoint("http://\(name).test:\(port)/", userID: user)
        try await harness.emit(events, userID: user)
        return id
    }

    private static let loopback = [IPAddress(v4: 0x7F00_0001)]

    @Test(arguments: Engine.enabled) func namesThatHangHoldNoSlotAndNoLease(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await RawReceiver.run(script: { $0.write(okResponse) }) { _, port in
                var dead: [EndpointID] = []
                for index in 0..<40 {
                    dead.append(try await add("dead\(index)", to: harness, port: port, events: 3))
                }
                let healthy = try await add("healthy", to: harness, port: port, events: 20)
                let lookups = ScriptedLookups { name, _ in name == "healthy.test" ? .success(Self.loopback) : nil }

                try await dispatching(harness, lookups, port: port) { resolver in
                    try await until("the healthy endpoint has all") {
                        try await harness.deliveries(to: healthy).allSatisfy { $0.state == .succeeded }
                    }
                    try await until("all names are looked up") { lookups.names.count == 41 }

                    // Unless 5 s have passed: then lookups were given up, and that counts.
                    if resolver.counts.timedOut == 0 {
                        for id in dead {
                            let deliveries = try await harness.deliveries(to: id)
                            #expect(
                                deliveries.allSatisfy { $0.state == .pending && $0.attempt == 0 && $0.lease == nil })
                        }
                    }
                }

                #expect(try await harness.attempts(of: healthy) == Array(repeating: "1 200", count: 20))
                // The shutdown did not wait for them.
                #expect(try await harness.count(.leased) == 0)
            }
        }
    }

    @Test(arguments: Engine.enabled) func whatWaitedForItsNameGoesOutOnTheFirstAttempt(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await RawReceiver.run(script: { $0.write(okResponse) }) { _, port in
                let slow = try await add("slow", to: harness, port: port, events: 3)
                let lookups = ScriptedLookups()

                try await dispatching(harness, lookups, port: port) { _ in
                    try await until("the name is looked up") { lookups.names == ["slow.test"] }
                    lookups.started[0].answer(.success(Self.loopback))
                    try await until("all is delivered") {
                        try await harness.deliveries(to: slow).allSatisfy { $0.state == .succeeded }
                    }
                }

                #expect(try await harness.attempts(of: slow) == ["1 200", "1 200", "1 200"])
            }
        }
    }

    @Test(arguments: Engine.enabled) func aNameWithoutAnAnswerIsAnAttemptAndIsTriedAgain(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let dead = try await add("dead", to: harness, port: 9, events: 2)
            let lookups = ScriptedLookups { _, _ in .failure(.timedOut) }

            try await dispatching(harness, lookups, port: 9) { _ in
                try await until("both have failed") { try await harness.attempts(of: dead).count == 2 }
            }

            #expect(try await harness.attempts(of: dead) == ["1 dns_timeout", "1 dns_timeout"])
            #expect(try await harness.deliveries(to: dead).allSatisfy { $0.state == .pending && $0.lane == .retry })
            #expect(lookups.names == ["dead.test"])
        }
    }

    @Test(arguments: Engine.enabled) func aDeadNameIsTriedOnceAtEachScan(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let dead = try await add("dead", to: harness, port: 9, events: 50)
            let resolver = SystemResolver(lookups: ScriptedLookups { _, _ in .failure(.notFound) })
            defer { resolver.shutdown() }
            let sender = DeadNames(resolver: resolver)

            try await harness.dispatching(sender, scanInterval: .seconds(3_600)) { _ in
                try await until("it was tried") { try await harness.attempts(of: dead).count > 0 }
                try await harness.look()

                // One for the hint, one for the scan, one for the end of the lookup; not a window of 16.
                let claimed = try await harness.deliveries(to: dead).count { $0.attempt > 0 }
                #expect((1...3).contains(claimed))
            }
        }
    }

    /// Knows of names what a resolver does; the one that ``EngineHarness/look()`` sends to has an address.
    private struct DeadNames: WebhookSender {
        let resolver: SystemResolver

        func send(_ request: WebhookRequest, within limit: Duration) async -> AttemptResult {
            AttemptResult(
                outcome: request.url.host == EngineHarness.probeHost
                    ? .response(statusCode: 200) : .failure(AttemptFailure(.dnsFailed)))
        }

        func knowledge(of url: CallbackURL) -> NameKnowledge {
            url.host == EngineHarness.probeHost ? .addresses : resolver.knowledge(of: url.host)
        }

        func prepare(for url: CallbackURL, _ caller: LookupCaller) async {
            _ = try? await resolver.resolve(url.host, for: caller, within: .seconds(5))
        }
    }

    @Test(arguments: Engine.enabled) func aLookupThatHasNoPlaceIsNoAttempt(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await RawReceiver.run(script: { $0.write(okResponse) }) { _, port in
                let lookups = ScriptedLookups { name, _ in name == "healthy.test" ? .success(Self.loopback) : nil }
                var places = LookupPlaces.Limits()
                places.deliveries = 1
                _ = try await add("dead", to: harness, port: port)

                try await dispatching(harness, lookups, places: places, port: port) { resolver in
                    try await until("the dead name is looked up") { lookups.names == ["dead.test"] }
                    let healthy = try await add("healthy", to: harness, port: port)
                    try await until("there was no place") {
                        resolver.counts.refused > 2 || resolver.counts.timedOut > 0
                    }
                    try await until("the healthy one is delivered") {
                        try await harness.deliveries(to: healthy).allSatisfy { $0.state == .succeeded }
                    }

                    // Which is when the dead name's lookup hung for a second and made way.
                    #expect(try await harness.attempts(of: healthy) == ["1 200"])
                    #expect(lookups.cancelled == [lookups.started[0].id])
                }
            }
        }
    }
}
