import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

/// A transaction that meets a step of the clock runs again: what it decided by the time before must not be stored beside what
/// it read of the time after.
@Suite(.timeLimit(.minutes(15))) struct ClockStepInWriteTests {
    private static let migrations = [
        Migration("step-1", ["CREATE TABLE item (id \(.int64) PRIMARY KEY, at \(.int64) NOT NULL) \(.strict)"])
    ]

    @Test(arguments: Engine.enabled, [-40, 40])
    func nothingIsStoredByATimeThatIsOver(engine: Engine, days: Int) async throws {
        let clock = SteppableClock()
        let runs = Atomic(0)
        try await withStore(engine, migrations: Self.migrations, clock: clock) { store in
            try await store.write { tx in
                let run = runs.add(1, ordering: .relaxed).newValue
                try tx.run("INSERT INTO item (id, at) VALUES (\(Int64(run)), \(tx.now))")
                if run == 1 { clock.step(by: .seconds(days * 86_400)) }
            }
            let stored = try await store.read { tx in
                try tx.rows("SELECT id, at FROM item").map { row in
                    (try row.get("id", as: Int.self), try row.get("at", as: Timestamp.self))
                }
            }
            #expect(stored.map(\.0) == [2])
            #expect(stored.first?.1 == clock.now())
        }
    }

    /// A clock that is set again and again keeps nobody from writing.
    @Test(arguments: Engine.enabled) func aClockThatNeverRestsKeepsNobodyFromWriting(engine: Engine) async throws {
        let clock = SteppableClock()
        let runs = Atomic(0)
        try await withStore(engine, migrations: Self.migrations, clock: clock) { store in
            try await store.write { tx in
                try tx.run("INSERT INTO item (id, at) VALUES (1, \(tx.now))")
                runs.add(1, ordering: .relaxed)
                clock.step(by: .seconds(-86_400))
            }
            let count = try await store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM item", as: Int.self)
            }
            #expect(count == 1)
        }
        #expect(runs.load(ordering: .relaxed) <= 4)
    }
}
