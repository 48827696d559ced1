import TestSupport
import Testing

@testable import Storage

/// However much one account writes, another waits for no more than its turn: counted in writes, not in time.
@Suite(.timeLimit(.minutes(15))) struct WriteTurnTests {
    /// Runs `body` while so many writes of the account `loud` wait, at least one of which has begun; gives the order in which
    /// all began or went on.
    private static func behind(
        _ count: Int, of store: any Store, _ body: @escaping @Sendable (Journal) async throws -> Void
    ) async throws -> [String] {
        let (blocker, order) = (Blocker(), Journal())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<count {
                tasks.addTask {
                    try await store.write(.account("loud")) { _ in
                        blocker.block()
                        order.add("loud")
                    }
                }
            }
            await blocker.untilBlocked()
            defer { blocker.release() }
            // The others wait, behind those that run: one on SQLite; PostgreSQL's are counted until they have ended.
            let running = store is PostgresStore ? 0 : 1
            while store.waitingWrites(.request) < count - running { await Task.yield() }
            tasks.addTask { try await body(order) }
            if running == 0 {
                try await until("the other runs beside them") { !order.entries.isEmpty }
            } else {
                while store.waitingWrites(.request) < count - running + 1 { await Task.yield() }
            }
            blocker.release()
            try await tasks.waitForAll()
        }
        return order.entries
    }

    @Test(arguments: Engine.enabled, [64, 256])
    func anAccountWithManyWritesDelaysAnotherByItsTurn(engine: Engine, count: Int) async throws {
        try await withStore(engine) { store in
            let order = try await Self.behind(count, of: store) { order in
                try await store.write(.account("quiet")) { _ in order.add("quiet") }
            }

            // Where writes run side by side, those of one account never have all connections.
            let place = try #require(order.firstIndex(of: "quiet"))
            #expect(place <= (engine == .postgresql ? 0 : 2), "\(order.prefix(8))")
            #expect(order.count == count + 1)
        }
    }

    /// Those who sign in have no account yet, and one turn for all of them.
    @Test(arguments: Engine.enabled) func whoeverHasNoAccountYetHasATurnToo(engine: Engine) async throws {
        try await withStore(engine) { store in
            let order = try await Self.behind(64, of: store) { order in
                try await store.write(.request) { _ in order.add("quiet") }
            }

            let place = try #require(order.firstIndex(of: "quiet"))
            #expect(place <= (engine == .postgresql ? 0 : 2), "\(order.prefix(8))")
        }
    }
}
