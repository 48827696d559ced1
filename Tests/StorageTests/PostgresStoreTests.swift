import Synchronization
import TestSupport
import Testing

@testable import Storage

/// What is PostgreSQL's own: connections that break, transactions that meet, bounds.
@Suite(.timeLimit(.minutes(15))) struct PostgresStoreTests {
    private struct Refused: Error {}

    private static let items = Migration(
        "items", ["CREATE TABLE item (id \(.int64) PRIMARY KEY, value \(.int64) NOT NULL) \(.strict)"])

    private func withItems(
        connections: Int = 4, _ body: (PostgresStore) async throws -> Void
    ) async throws {
        try await withPostgresURL { url in
            let store = try await PostgresStore.open(url: url, connections: connections)
            try await closing(store) {
                _ = try await store.migrate([Self.items])
                _ = try await store.write { try $0.run("INSERT INTO item VALUES (1, 0), (2, 0)") }
                try await body(store)
            }
        }
    }

    private func value(_ id: Int, _ store: PostgresStore) async throws -> Int? {
        try await store.read { try $0.value("SELECT value FROM item WHERE id = \(id)") }
    }

    @Test func aBodyThatThrowsLeavesNothing() async throws {
        try await withItems { store in
            await #expect(throws: Refused.self) {
                try await store.write { tx in
                    try tx.run("UPDATE item SET value = 1")
                    throw Refused()
                }
            }
            let value1 = try await value(1, store)
            #expect(value1 == 0)
        }
    }

    @Test func anErrorThatABodySwallowsIsNoSuccess() async throws {
        try await withItems { store in
            await #expect(throws: StorageError.self) {
                try await store.write { tx in
                    try tx.run("UPDATE item SET value = 1 WHERE id = 2")
                    _ = try? tx.run("INSERT INTO item VALUES (1, 1)")
                }
            }
            let value2 = try await value(2, store)
            #expect(value2 == 0)
        }
    }

    @Test func aSecondRowWithTheSameKeyNamesItsConstraint() async throws {
        try await withItems { store in
            await #expect(throws: StorageError.uniqueViolation("item_pkey")) {
                try await store.write { try $0.run("INSERT INTO item VALUES (1, 1)") }
            }
        }
    }

    @Test func aReadCannotWriteAndLocksNothing() async throws {
        try await withItems { store in
            await #expect(throws: StorageError.self) {
                try await store.read { try $0.run("UPDATE item SET value = 1") }
            }
            let rows = try await store.read { try $0.rows("SELECT id FROM item ORDER BY id \(.forUpdate)").count }
            #expect(rows == 2)
        }
    }

    /// Each takes one row and then wants the other's: the server ends one of the two, and the store runs it again.
    @Test func transactionsThatWaitForEachOtherBothSucceed() async throws {
        try await withItems { store in
            let arrived = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (first, second) in [(1, 2), (2, 1)] {
                    group.addTask {
                        try await store.write { tx in
                            try tx.run("UPDATE item SET value = value + 1 WHERE id = \(first)")
                            arrived.add(1)
                            // In the first run only: both hold a row before one of them asks for its second.
                            while arrived.count < 2 {}
                            try tx.run("UPDATE item SET value = value + 1 WHERE id = \(second)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(arrived.count >= 3)
            let value1 = try await value(1, store)
            #expect(value1 == 2)
            let value2 = try await value(2, store)
            #expect(value2 == 2)
        }
    }

    /// Both look and find no row; then both insert it.
    @Test func whoIsSecondToMakeARowFindsIt() async throws {
        try await withItems { store in
            let looked = Counter()
            let made = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await store.write { tx in
                            let isThere = try !tx.rows("SELECT id FROM item WHERE id = 9").isEmpty
                            looked.add(1)
                            while looked.count < 2 {}
                            if isThere { return false }
                            try tx.run("INSERT INTO item VALUES (9, 0)")
                            return true
                        }
                    }
                }
                return try await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(made.count { $0 } == 1)
        }
    }

    @Test func aConnectionThatIsCutIsReplaced() async throws {
        try await withItems(connections: 1) { store in
            let cut = await #expect(throws: StorageError.self) {
                try await store.write { tx in
                    try tx.run("UPDATE item SET value = 1")
                    _ = try tx.rows("SELECT pg_terminate_backend(pg_backend_pid()) AS value")
                }
            }
            guard case .unavailable = cut else {
                Issue.record("\(String(describing: cut))")
                return
            }
            let value1 = try await value(1, store)
            #expect(value1 == 0)
        }
    }

    @Test func whatIsDoneAfterACommitIsNotDoneAfterARollback() async throws {
        try await withItems { store in
            let done = Counter()
            _ = try await store.write { tx in tx.afterCommit { done.add(1) } }
            _ = try? await store.write { tx in
                tx.afterCommit { done.add(10) }
                throw Refused()
            }
            #expect(done.count == 1)
        }
    }
}

/// A number that many threads add to.
final class Counter: Sendable {
    private let value = Atomic(0)

    var count: Int { value.load(ordering: .sequentiallyConsistent) }

    func add(_ number: Int) {
        value.add(number, ordering: .sequentiallyConsistent)
    }
}
