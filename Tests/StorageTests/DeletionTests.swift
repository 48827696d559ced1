import TestSupport
import Testing

@testable import Storage

/// How much one transaction deletes.
struct DeletionTests {
    @Test(
        arguments: [
            ([0], 1, false), (Array(repeating: 0, count: 501), 500, true),
            (Array(repeating: 0, count: 499), 499, false),
            ([DeletionRoom.mostBytes * 3, 0], 1, true), ([1, DeletionRoom.mostBytes], 1, true),
            ([1, DeletionRoom.mostBytes - 1, 0], 2, true), ([-1, 1], 2, false), ([Int.max, Int.max], 1, true),
        ] as [([Int], Int, Bool)])
    func theFirstRowGoesAndTheRestAsLongAsThereIsRoom(rows: [Int], taken: Int, isFull: Bool) {
        var room = DeletionRoom()

        let count = rows.count { room.take($0) }

        #expect(count == taken)
        #expect(room.rows == taken)
        #expect(room.isFull == isFull)
        #expect(room.left == (isFull ? 0 : DeletionRoom.mostRows - taken))
    }

    @Test func rowsThatAreGoneAlreadyTakeRoom() {
        var room = DeletionRoom()
        room.took(499)
        #expect(room.left == 1)

        room.took(1)
        let isTaken = room.take(0)

        #expect(room.isFull && !isTaken)
    }

    /// Rows of these bytes, in order, and how many go in each transaction.
    private static let table: [(rows: [Int], parts: [Int])] = [
        ([], []), (Array(repeating: 1, count: 600), [500, 100]),
        (Array(repeating: 600_000, count: 7), [3, 3, 1]),
        ([3_000_000, 1, 3_000_000], [1, 1, 1]), (Array(repeating: 1, count: 20) + [2_500_000, 1], [20, 1, 1]),
    ]

    @Test(arguments: Engine.enabled) func aTableIsEmptiedInParts(engine: Engine) async throws {
        try await withStore(engine) { store in
            _ = try await store.write { tx in
                try tx.run("CREATE TABLE heap (a \(.int64), b \(.int64), body \(.text), PRIMARY KEY (a, b)) \(.strict)")
            }
            let deletion = Deletion(
                "heap", key: "a, b", byteCount: SQL.byteCount(of: "body"), where: "a >= 0", order: "a, b")
            for row in Self.table {
                try await store.write { tx in
                    for (number, bytes) in row.rows.enumerated() {
                        let text = String(repeating: "a", count: bytes)
                        try tx.run("INSERT INTO heap (a, b, body) VALUES (\(number / 2), \(number % 2), \(text))")
                    }
                    try tx.run("INSERT INTO heap (a, b, body) VALUES (-1, 0, NULL)")
                }
                var parts: [Int] = []
                var isFull = true
                while isFull {
                    let (part, full) = try await store.write { tx in
                        var room = DeletionRoom()
                        return (try deletion.delete(&room, in: tx), room.isFull)
                    }
                    if part > 0 { parts.append(part) }
                    isFull = full
                }

                #expect(parts == row.parts)
                let kept = try await store.write { tx in try tx.run("DELETE FROM heap") }
                #expect(kept == 1)
            }
        }
    }

    @Test(arguments: Engine.enabled) func whatARowHoldsIsCountedInBytes(engine: Engine) async throws {
        try await withStore(engine) { store in
            let count: Int? = try await store.write { tx in
                try tx.run("CREATE TABLE heap (a \(.text), b \(.text), c \(.text)) \(.strict)")
                try tx.run("INSERT INTO heap (a, b, c) VALUES (\("漢字"), \("ab"), NULL)")
                return try tx.value("SELECT CAST(\(SQL.byteCount(of: "a", "b", "c")) AS BIGINT) AS value FROM heap")
            }
            #expect(count == 8)
        }
    }
}
