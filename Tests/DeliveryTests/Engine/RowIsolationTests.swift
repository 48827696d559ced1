import Storage
import TestSupport
import Testing

@testable import Delivery

/// One row that cannot be read keeps no other from being done.
@Suite(.timeLimit(.minutes(15))) struct RowIsolationTests {
    private static let migrations = [Migration("test-1", ["CREATE TABLE note (id \(.int64) PRIMARY KEY)"])]

    @Test(arguments: Engine.enabled) func whatFailsIsUndoneAndTheOthersAreKept(engine: Engine) async throws {
        try await withStore(engine, migrations: Self.migrations) { store in
            let passed = try await store.write { tx in
                var passed: [Int] = []
                try tx.each([1, 2, 3, 4]) { number in
                    try tx.run("INSERT INTO note (id) VALUES (\(number))")
                    if number == 2 { throw StorageError.corrupt("no such state") }
                } passOver: { number, _ in
                    passed.append(number)
                }
                return passed
            }

            let kept = try await store.read { tx in
                try tx.rows("SELECT id FROM note ORDER BY id").map { try $0.get("id", as: Int.self) }
            }
            #expect(passed == [2])
            #expect(kept == [1, 3, 4])
        }
    }

    @Test(arguments: Engine.enabled) func aDatabaseThatIsAwayIsNoMatterOfTheRow(engine: Engine) async throws {
        _ = try await withStore(engine, migrations: Self.migrations) { store in
            await #expect(throws: StorageError.unavailable("away")) {
                try await store.write { tx in
                    try tx.each([1, 2]) { _ in
                        throw StorageError.unavailable("away")
                    } passOver: { number, _ in
                        Issue.record("\(number) was passed over")
                    }
                }
            }
        }
    }
}
