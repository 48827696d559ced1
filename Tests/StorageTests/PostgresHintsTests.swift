import Logging
import ServiceLifecycle
import Storage
import Synchronization
import TestSupport
import Testing

/// Hints between processes that share a PostgreSQL.
@Suite(.timeLimit(.minutes(15))) struct PostgresHintsTests {
    private static let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    @Test func whatOneSharesWakesTheOthersAndNotItself() async throws {
        try await withTwo { one, two, _ in
            try await shareUntilHeard(one, by: two)
            // What `one` shared last may still be on its way to `two`, and never comes back to `one`.
            #expect(one.takeKeys(.deliveries) == [])
        }
    }

    @Test func aConnectionThatIsCutIsMadeAnew() async throws {
        try await withTwo { one, two, url in
            try await shareUntilHeard(one, by: two)
            let store = try await PostgresStore.open(url: url, connections: 1)
            _ = try await closing(store) {
                try await store.write { tx in
                    try tx.rows(
                        """
                        SELECT pg_terminate_backend(pid)
                        FROM pg_stat_activity
                        WHERE query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_notify%'
                        """)
                }
            }
            try await shareUntilHeard(one, by: two)
        }
    }

    @Test func withoutAMessengerNothingIsKept() {
        let wakeups = Wakeups()
        wakeups.share(.events)
        #expect(wakeups.takeShared() == [])
    }

    @Test func theMessengerIsCalledOnceUntilItTakesAndKeepsAHundredAtMost() {
        let wakeups = Wakeups()
        let calls = Calls()
        wakeups.setMessenger { calls.count.withLock { $0 += 1 } }
        for _ in 0..<3 { wakeups.share(.events) }
        #expect(calls.count.withLock(\.self) == 1)
        for number in 0..<1_000 { wakeups.share(.deliveries, key: "\(number)") }
        #expect(wakeups.takeShared().count == 100)
        #expect(wakeups.takeShared() == [])
    }

    private final class Calls: Sendable {
        let count = Mutex(0)
    }

    /// Hints may be lost while a connection is made, so they are shared again until one arrives.
    private func shareUntilHeard(_ one: Wakeups, by two: Wakeups) async throws {
        _ = two.takeKeys(.deliveries)
        try await until("a hint arrives", within: .seconds(20)) {
            one.share(.deliveries, key: "endpoint")
            return two.takeKeys(.deliveries) == ["endpoint"]
        }
    }

    private func withTwo(_ body: @escaping @Sendable (Wakeups, Wakeups, String) async throws -> Void) async throws {
        try await withPostgresURL { url in
            let all = (Wakeups(), Wakeups())
            let services = [all.0, all.1].map { PostgresHints(url: url, wakeups: $0, logger: Self.logger) }
            let group = ServiceGroup(services: services, logger: Self.logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                let result: Result<Void, any Error>
                do {
                    result = .success(try await body(all.0, all.1, url))
                } catch {
                    result = .failure(error)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                try result.get()
            }
        }
    }
}
