import TestSupport
import Testing

@testable import Storage

/// A database that lives and refuses writes says so.
@Suite(.timeLimit(.minutes(15))) struct RefusedWritesTests {
    @Test func threeOfTenSecondsTell() {
        let (refused, start) = (RefusedWrites(), ContinuousClock.now)

        refused.note("first", at: start)
        refused.note("second", at: start + .seconds(9))
        #expect(refused.reason(at: start + .seconds(9)) == nil)
        refused.note("third", at: start + .seconds(18))

        #expect(refused.reason(at: start + .seconds(18)) == "third")
        #expect(refused.reason(at: start + .seconds(27)) == "third")
        #expect(refused.reason(at: start + .seconds(28)) == nil)
        refused.note("later", at: start + .seconds(40))
        #expect(refused.reason(at: start + .seconds(40)) == nil)
    }

    @Test func aTableThatIsLockedMakesTheStoreNotReady() async throws {
        let items = Migration("items", ["CREATE TABLE item (id \(.int64) PRIMARY KEY) \(.strict)"])
        try await withPostgresURL { url in
            let store = try await PostgresStore.open(url: url, connections: 4)
            try await closing(store) {
                _ = try await store.migrate([items])
                let other = try await PostgresStore.open(url: url, connections: 1)
                try await closing(other) {
                    let (isLocked, isOver) = (Flag(), Flag())
                    async let lock: Void = other.write(.maintenance) { tx in
                        try tx.run("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
                        isLocked.set()
                        for _ in 0..<1_000 where !isOver.isSet {
                            _ = try tx.rows("SELECT COUNT(*) AS value FROM pg_sleep(0.02)")
                        }
                    }
                    try await until("the table is locked") { isLocked.isSet }
                    #expect(await store.readiness() == nil)

                    await withTaskGroup(of: Void.self) { tasks in
                        for number in 0..<3 {
                            tasks.addTask {
                                await #expect(throws: StorageError.self) {
                                    try await store.write { tx in
                                        _ = try tx.run("INSERT INTO item VALUES (\(number))")
                                    }
                                }
                            }
                        }
                    }

                    let reason = await store.readiness()
                    #expect(reason?.contains("lock timeout") == true, "\(reason ?? "ready")")
                    isOver.set()
                    try await lock
                }
            }
        }
    }
}
