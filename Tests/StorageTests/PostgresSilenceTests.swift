import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import Storage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A PostgreSQL, or a network, that hangs instead of breaking: every call answers, and all goes on by itself.
@Suite(.timeLimit(.minutes(15))) struct PostgresSilenceTests {
    private static let items = Migration(
        "items", ["CREATE TABLE item (id \(.int64) PRIMARY KEY, value \(.int64) NOT NULL) \(.strict)"])

    private func withItems(
        _ body: @escaping @Sendable (PostgresStore, TroubledProxy) async throws -> Void
    ) async throws {
        try await withTroubledProxy { proxy, url in
            let store = try await PostgresStore.open(url: url, connections: 4)
            defer { proxy.mode = .passing }
            try await closing(store) {
                _ = try await store.migrate([Self.items])
                _ = try await store.write { try $0.run("INSERT INTO item VALUES (1, 0), (2, 0)") }
                try await body(store, proxy)
            }
        }
    }

    private func add(_ store: PostgresStore) async throws {
        _ = try await store.write { try $0.run("UPDATE item SET value = value + 1 WHERE id = 1") }
    }

    private func value(_ store: PostgresStore) async throws -> Int? {
        try await store.read { try $0.value("SELECT value FROM item WHERE id = 1") }
    }

    /// How long `body` takes to throw `StorageError.unavailable`.
    private func timeToRefusal(_ body: () async throws -> Void) async -> Duration {
        let start = ContinuousClock.now
        let error = await #expect(throws: StorageError.self) { try await body() }
        if case .unavailable = error {} else { Issue.record("\(String(describing: error))") }
        return start.duration(to: .now)
    }

    @Test func aServerThatTakesConnectionsAndSaysNothingIsRefusedInTime() async throws {
        try await withSilentServer { port in
            let time = await timeToRefusal {
                _ = try await PostgresStore.open(url: "postgresql://sms@127.0.0.1:\(port)/sms", connections: 1)
            }
            #expect(time < .seconds(9))
        }
    }

    /// As after a failover whose old primary is frozen: the first host takes the connection and says nothing.
    @Test func aSilentHostDoesNotKeepUsFromTheNext() async throws {
        try await withSilentServer { silent in
            try await withTroubledProxy { _, url in
                let both = url.replacing("@127.0.0.1", with: "@127.0.0.1:\(silent),127.0.0.1")
                let store = try await PostgresStore.open(url: both, connections: 4)
                try await closing(store) {
                    // The address that answered is tried first from now on, so that three more cost no wait each.
                    let start = ContinuousClock.now
                    async let one = store.read { try $0.rows("SELECT pg_sleep(0.1)::text AS value").count }
                    async let two = store.read { try $0.rows("SELECT pg_sleep(0.1)::text AS value").count }
                    async let three = store.read { try $0.rows("SELECT pg_sleep(0.1)::text AS value").count }
                    _ = try await (one, two, three)
                    #expect(start.duration(to: .now) < .milliseconds(4_500))
                }
            }
        }
    }

    @Test(arguments: [TroubledProxy.Mode.silent, .dripping])
    func whoeverAsksIsToldInTimeAndAllGoesOnByItself(mode: TroubledProxy.Mode) async throws {
        try await withItems { store, proxy in
            try await add(store)
            proxy.mode = mode

            // Many more than connections: the last of them waits for a thread, too.
            let times = await withTaskGroup(of: Duration.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        await timeToRefusal {
                            if number.isMultiple(of: 2) { try await add(store) } else { _ = try await value(store) }
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(times.max() ?? .zero < .seconds(14))

            proxy.mode = .passing
            try await until("the store works again") { (try? await add(store)) != nil }
            // What was refused was not kept: none of it had come to its COMMIT.
            #expect(try await value(store) == 2)
        }
    }

    @Test func itIsNotReadyWithinTwoSecondsAndReadyAgainAfterwards() async throws {
        try await withItems { store, proxy in
            #expect(await store.readiness() == nil)
            try await until("what was found is old") { await store.readiness() == nil }
            proxy.mode = .silent
            // Everything hangs: every thread of every pool.
            await withTaskGroup(of: Void.self) { group in
                for lane in [WriteLane.engine, .engine, .request, .request, .request, .request] {
                    group.addTask { _ = try? await store.write(lane) { try $0.rows("SELECT 1 AS value") } }
                }
                for _ in 0..<3 {
                    group.addTask {
                        // Asked until the last finding is too old to be given again.
                        _ = try? await eventually("it is not ready", within: .seconds(10)) {
                            let start = ContinuousClock.now
                            let reason = await store.readiness()
                            #expect(start.duration(to: .now) < .seconds(5))
                            return reason
                        }
                    }
                }
            }
            proxy.mode = .passing
            try await until("it is ready again") { await store.readiness() == nil }
        }
    }

    @Test func anAnswerThatBreaksOffInTheMiddleEndsInTime() async throws {
        try await withItems { store, proxy in
            let isAsked = Mutex(false)
            let time = await timeToRefusal {
                _ = try await store.read { tx in
                    // Not before the transaction has begun, which would only cost the connection.
                    _ = try tx.rows("SELECT 1 AS value")
                    if !isAsked.withLock({ asked in
                        defer { asked = true }
                        return asked
                    }) {
                        proxy.mode = .silentAfter(100_000)
                    }
                    return try tx.rows("SELECT repeat('x', 1000) AS text FROM generate_series(1, 10000)").count
                }
            }
            #expect(time < .seconds(12))
            proxy.mode = .passing
            try await until("the store works again") { (try? await add(store)) != nil }
        }
    }

    /// The caller is told that it may not be stored, as with a connection that breaks there; and it may.
    @Test func aCommitWhoseAnswerDoesNotComeIsUnknownAndMayHaveBeenKept() async throws {
        try await withItems { store, proxy in
            let told = Counter()
            proxy.mode = .silentAfterCommit
            let time = await timeToRefusal {
                _ = try await store.write { tx in
                    try tx.run("UPDATE item SET value = value + 1 WHERE id = 1")
                    tx.afterCommit { told.add(1) }
                }
            }
            #expect(time < .seconds(12))
            #expect(told.count == 0)
            proxy.mode = .passing
            try await until("the store works again") { (try? await value(store)) == 1 }
        }
    }

    @Test func aStoreThatMustEndEndsWhateverHangs() async throws {
        try await withTroubledProxy { proxy, url in
            defer { proxy.mode = .passing }
            let store = try await PostgresStore.open(url: url, connections: 2)
            let begun = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in [WriteLane.engine, .request, .maintenance, .maintenance, .request, .engine, .engine] {
                    group.addTask {
                        _ = try? await store.write(lane) { tx in
                            _ = try tx.rows("SELECT 1 AS value")
                            begun.add(1)
                            _ = try tx.rows("SELECT pg_sleep(8)::text AS value")
                        }
                    }
                }
                // Two of each lane; the others wait for their connections.
                try await until("six have begun") { begun.count >= 6 }
                proxy.mode = .silent
                let start = ContinuousClock.now
                store.end(within: .seconds(1))
                try await store.close()
                try await group.waitForAll()
                #expect(start.duration(to: .now) < .seconds(6))
            }
        }
    }

    /// As a stalled volume leaves them: the server takes new connections, and those that are open say nothing.
    @Test func connectionsThatAreFrozenWhileTheyAreIdleCostTimeAndNoAnswer() async throws {
        try await withPostgresURL { url in
            let name = "frozen-\(UInt32.random(in: 0...(.max)))"
            let store = try await PostgresStore.open(url: "\(url)&application_name=\(name)", connections: 4)
            try await closing(store) {
                _ = try await store.migrate([Self.items])
                _ = try await store.write { try $0.run("INSERT INTO item VALUES (1, 0)") }
                _ = await store.readiness()
                let judge = try PostgresConnection(to: PostgresServers(url: url))
                let processes: [Int32] = try judge.run(
                    "SELECT pid AS value FROM pg_stat_activity WHERE application_name = \(name)",
                    dialect: .postgresql
                ).rows().map { Int32(clamping: try $0.get("value", as: Int.self)) }
                #expect(processes.count >= 2)
                for process in processes { kill(process, SIGSTOP) }
                defer { for process in processes { kill(process, SIGCONT) } }

                try await add(store)
                #expect(try await value(store) == 1)
            }
        }
    }

    @Test func hintsGoOnAfterASilence() async throws {
        try await withTroubledProxy { proxy, url in
            let one = Wakeups()
            let two = Wakeups()
            let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
            let services = [one, two].map { PostgresHints(url: url, wakeups: $0, logger: logger) }
            let group = ServiceGroup(services: services, logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                try await until("a hint arrives") { isHeard(one, two) }
                let before = proxy.accepted
                proxy.mode = .silent
                // Who only listens notices it, too, as it asks.
                try await until("both have connected again") {
                    one.share(.deliveries, key: "lost")
                    return proxy.accepted >= before + 2
                }
                proxy.mode = .passing
                try await until("a hint arrives again") { isHeard(one, two) }

                proxy.mode = .silent
                let start = ContinuousClock.now
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                #expect(start.duration(to: .now) < .seconds(8))
            }
        }
    }

    private func isHeard(_ one: Wakeups, _ two: Wakeups) -> Bool {
        one.share(.deliveries, key: "endpoint")
        return two.takeKeys(.deliveries) == ["endpoint"]
    }

    @Test func hostsOfAURLAreTriedOneByOne() {
        func hosts(_ url: String) -> [[String]] {
            PostgresServers(url: url).hosts().map { $0.parameters.map { "\($0.name)=\($0.value)" } }
        }
        #expect(hosts("postgresql://sms@/sms") == [[]])
        #expect(hosts("postgresql://sms@db/sms") == [["host=db"]])
        #expect(
            hosts("postgresql://sms@a:1,b:2,[::1]:3/sms") == [
                ["host=a", "port=1"], ["host=b", "port=2"], ["host=::1", "port=3"],
            ])
        #expect(hosts("postgresql:///sms?host=a,b&port=7") == [["host=a", "port=7"], ["host=b", "port=7"]])
        #expect(
            hosts("postgresql:///sms?host=a,b&hostaddr=10.0.0.1,10.0.0.2") == [
                ["host=a", "hostaddr=10.0.0.1"], ["host=b", "hostaddr=10.0.0.2"],
            ])
        // These do not fit together; libpq says so.
        #expect(hosts("postgresql:///sms?host=a,b&port=1,2,3") == [[]])
        #expect(hosts("postgresql:///sms?host=a,,b") == [[]])
    }
}
