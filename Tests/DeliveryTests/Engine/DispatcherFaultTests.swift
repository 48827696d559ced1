import Foundation
import ServiceLifecycle
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

@Suite(.timeLimit(.minutes(15)))
struct DispatcherFaultTests {
    @Test(arguments: Engine.enabled) func shutdownEndsWhatIsInFlightAndClaimsNothingNew(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(4)
            let gate = Gate()
            let sender = ScriptedSender { _, _ in await gate.outcome(.response(statusCode: 200)) }
            var limits = ReadySet.Limits.forTests
            limits.slots = 3

            try await harness.dispatching(sender, limits: limits) { group in
                try await sender.untilSent(3)
                await group.triggerGracefulShutdown()
                try await harness.emit(3)
                gate.open()
            }

            #expect(sender.requests.count == 3)
            #expect(try await harness.count(.succeeded) == 3)
            #expect(try await harness.count(.pending) == 4)
            #expect(try await harness.count(.leased) == 0)
            #expect(try await harness.attempts(of: endpoint).count == 3)
        }
    }

    @Test(arguments: Engine.enabled) func anAttemptThatThisMachineCouldNotMakeDoesNotCount(engine: Engine) async throws
    {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(1)
            let sender = ScriptedSender { _, number in
                number < 3 ? .failure(AttemptFailure(.cancelled, "Too many open files")) : .response(statusCode: 200)
            }

            try await harness.dispatching(sender) { _ in
                try await sender.untilSent(3)
                try await until("it is delivered") { try await harness.count(.succeeded) == 1 }
            }

            #expect(sender.requests.map { $0.header("X-Httpsms-Attempt") } == ["1", "1", "1"])
            #expect(try await harness.attempts(of: endpoint) == ["1 200"])
        }
    }

    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN])
    func whatTheMachineLacksIsNoFaultOfTheReceiver(code: Int32) {
        #expect(LocalShortage.isOne(code, family: .v4))
    }

    @Test(arguments: [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, ECONNRESET, 0, -1, .max])
    func whatTheReceiverDoesIsItsOwn(code: Int32) {
        #expect(!LocalShortage.isOne(code, family: .v4))
        // What every IPv6 address is answered where there is no IPv6.
        #expect(!LocalShortage.isOne(EADDRNOTAVAIL, family: .v6))
    }

    @Test(arguments: Engine.enabled) func whatACancelledDispatcherHeldIsFreedByTheNextLease(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(2)
            let gate = Gate()
            let sender = ScriptedSender { _, _ in await gate.outcome(.response(statusCode: 200)) }

            await #expect(throws: Interrupted.self) {
                try await harness.dispatching(sender) { _ in
                    try await sender.untilSent(2)
                    throw Interrupted()
                }
            }
            #expect(try await harness.count(.leased) == 2)
            #expect(try await harness.attempts(of: endpoint) == [])

            let next = try await NodeMembership.join(
                harness.store, as: .init(name: "next", version: "1.2.3"), isAlone: true, clock: harness.clock,
                logger: EngineHarness.logger)
            let again = ScriptedSender(200)
            try await harness.dispatching(again, lease: next.lease) { _ in try await again.untilSent(2) }

            #expect(try await harness.attempts(of: endpoint) == ["2 200", "2 200"])
            #expect(Set(again.requests.map(\.body)) == Set(sender.requests.map(\.body)))
        }
    }

    @Test(arguments: Engine.enabled) func aStoreThatTakesNoResultsStopsTheSendingAndIsTriedAgain(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint()
            try await harness.emit(50)
            let store = RefusingStore(harness.store)
            let sender = ScriptedSender { _, number in
                if number == 1 { store.refuse(true) }
                return .response(statusCode: 200)
            }
            var limits = ReadySet.Limits.forTests
            limits.slots = 8

            try await harness.dispatching(sender, over: store, limits: limits) { _ in
                try await until("results are refused again and again") { store.refusals >= 4 }
                #expect(sender.requests.count <= 8, "no more than the slots may be sent and not stored")
                store.refuse(false)
                try await sender.untilSent(50)
            }

            #expect(try await harness.count(.succeeded) == 50)
            #expect(sender.requests.count == 50, "nothing was sent twice")
        }
    }

    @Test(arguments: Engine.enabled) func aRetryThatIsStoredAfterTheClockWasSetBackWaitsNoLonger(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let store = RefusingStore(harness.store)
            let sender = ScriptedSender { _, _ in
                store.refuse(true)
                return .response(statusCode: 500)
            }

            try await harness.dispatching(sender, over: store) { _ in
                try await until("the result is refused") { store.refusals >= 1 }
                harness.clock.advance(by: .seconds(-86_400))
                try await DueTimes.pullIn(
                    by: .seconds(-86_400), store: harness.store, clock: harness.clock, schedule: .standard)
                store.refuse(false)
                try await until("the result is stored") { try await harness.attempts(of: endpoint) == ["1 500"] }
            }

            let row = try #require(try await harness.deliveries(to: endpoint).first)
            #expect((.seconds(2) ... .milliseconds(2_400)).contains(row.dueAt - harness.clock.now()))
        }
    }

    @Test(arguments: Engine.enabled) func aStoreThatTakesNoClaimsIsTriedAtMostAFewTimesASecond(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint()
            try await harness.emit(50)
            let store = RefusingStore(harness.store)
            store.refuse(true)
            let sender = ScriptedSender(200)
            let started = ContinuousClock.now

            try await harness.dispatching(sender, over: store) { _ in
                try await until("claims are refused twice") { store.refusals >= 3 }
                #expect(started.duration(to: .now) >= .milliseconds(900))
                #expect(sender.requests.isEmpty)
                store.refuse(false)
                try await sender.untilSent(50)
            }
        }
    }

    @Test(arguments: Engine.enabled) func aLookAtTheStoreThatHangsStopsNoDelivery(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint()
            let store = RefusingStore(harness.store)
            store.hang(true)
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender, over: store) { _ in
                for count in 1...3 {
                    try await until("a look hangs") { store.hanging > 0 }
                    try await harness.emit()
                    try await sender.untilSent(count)
                }
                store.hang(false)
            }

            #expect(try await harness.count(.succeeded) == 3)
        }
    }

    @Test(arguments: Engine.enabled) func aDeletedEndpointsBacklogDelaysNobody(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let deleted = try await harness.addEndpoint("https://deleted.example/")
            try await harness.emit(3_000)
            try await harness.addEndpoint("https://other.example/", owners: ["+18005550100"])
            try await harness.store.write { tx in try harness.endpoints.delete(deleted, in: tx) }
            try await harness.emit(owner: "+18005550100")
            let store = RefusingStore(harness.store)
            store.hang(true)
            let sender = ScriptedSender(200)

            try await harness.dispatching(sender, over: store) { _ in
                try await until("clearing hangs, and so does a look") { store.hanging == 2 }
                try await sender.untilSent(1)
                store.hang(false)
                try await until("all are cancelled") { try await harness.count(.cancelled) == 3_000 }
            }

            #expect(sender.hosts == ["other.example"])
        }
    }

    @Test(arguments: Engine.enabled) func aResultOfADeletedEndpointIsRefusedAndItsSlotFreed(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let deleted = try await harness.addEndpoint("https://deleted.example/")
            try await harness.emit()
            let gate = Gate()
            let sender = ScriptedSender { request, _ in
                request.url.host == "deleted.example"
                    ? await gate.outcome(.response(statusCode: 500)) : .response(statusCode: 200)
            }
            var limits = ReadySet.Limits.forTests
            limits.slots = 1

            try await harness.dispatching(sender, limits: limits) { _ in
                try await sender.untilSent(1)
                try await harness.store.write { tx in try harness.endpoints.delete(deleted, in: tx) }
                try await harness.addEndpoint("https://other.example/")
                try await harness.emit()
                try await until("it is cancelled") { try await harness.count(.cancelled) == 1 }
                gate.open()
                try await sender.untilSent(2)
            }

            #expect(sender.hosts == ["deleted.example", "other.example"])
            #expect(try await harness.deliveries(to: deleted).map(\.state) == [.cancelled])
        }
    }

    @Test(arguments: Engine.enabled) func nothingIsLostOrSentTwiceWhileEndpointsFailAtRandom(
        engine: Engine
    ) async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed of nothingIsLostOrSentTwiceWhileEndpointsFailAtRandom: \(seed)")
        try await withEngine(engine) { harness in
            for number in 0..<10 { try await harness.addEndpoint("https://receiver-\(number).example/") }
            let succeeded = Mutex<[String: Int]>([:])
            let sender = ScriptedSender { request, number in
                // FNV-1a of seed and number: one in three fails.
                let mixed = (seed ^ UInt64(number)) &* 0x0000_0100_0000_01b3
                guard mixed >> 33 % 3 != 0 else { return .response(statusCode: 503) }
                succeeded.withLock { $0[request.header("X-Httpsms-Delivery") ?? "", default: 0] += 1 }
                return .response(statusCode: 200)
            }
            var limits = ReadySet.Limits.forTests
            limits.slots = 16

            try await harness.dispatching(sender, limits: limits) { _ in
                for _ in 0..<20 { try await harness.emit(5) }
                try await until("all deliveries are done") {
                    harness.clock.advance(by: .seconds(60))
                    harness.store.wakeups.signal(.deliveries)
                    // Two counts are two moments: only what is over is counted, as nothing leaves that again.
                    return try await harness.count(.succeeded) + harness.count(.failed) == 1_000
                }
            }

            let done = try await harness.count(.succeeded)
            #expect(try await harness.count(.failed) + done == 1_000)
            #expect(succeeded.withLock { $0.count } == done)
            #expect(succeeded.withLock { $0.values.allSatisfy { $0 == 1 } })
        }
    }
}

private struct Interrupted: Error {}

/// A store whose engine lane refuses writes, and whose other work hangs, while the test wants it to.
private final class RefusingStore: Store {
    private let wrapped: any Store
    private let state = Mutex((isRefusing: false, refusals: 0))
    private let reads = Mutex((isHanging: false, waiting: [CheckedContinuation<Void, Never>]()))

    init(_ wrapped: any Store) {
        self.wrapped = wrapped
    }

    var wakeups: Wakeups { wrapped.wakeups }
    var unreadable: UnreadableRows { wrapped.unreadable }
    var refusals: Int { state.withLock { $0.refusals } }

    var hanging: Int { reads.withLock { $0.waiting.count } }

    /// Has reads and maintenance wait until it is called with false.
    func hang(_ isHanging: Bool) {
        let waiting = reads.withLock { reads in
            defer { reads.waiting = [] }
            reads.isHanging = isHanging
            return reads.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    func refuse(_ isRefusing: Bool) {
        state.withLock { $0.isRefusing = isRefusing }
    }

    func read<T: Sendable>(
        _ lane: ReadLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        await passHang()
        return try await wrapped.read(lane, body)
    }

    private func passHang() async {
        await withCheckedContinuation { continuation in
            let isHeld = reads.withLock { reads in
                if reads.isHanging { reads.waiting.append(continuation) }
                return reads.isHanging
            }
            if !isHeld { continuation.resume() }
        }
    }

    func write<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        let isRefused = state.withLock { state in
            guard lane == .engine, state.isRefusing else { return false }
            state.refusals += 1
            return true
        }
        if lane == .maintenance { await passHang() }
        if isRefused { throw StorageError.unavailable("the test wants it so") }
        return try await wrapped.write(lane, body)
    }

    func readiness() async -> String? { nil }

    func waitingWrites(_ kind: WriteLane.Kind) -> Int { 0 }

    func close() async throws { try await wrapped.close() }
}
