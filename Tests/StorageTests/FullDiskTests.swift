import Storage
import Testing
import TestSupport

struct FullDiskTests {
    @Test func aFullDatabaseFailsTheGroupAndRecovers() async throws {
        try await withItems { store in
            try await store.write { try $0.insert(1) }
            try await limitPages(store, to: 20)

            // The second is ten times what may be kept.
            let outcomes = try await group(
                store, [{ try $0.insert(2) }, { try $0.insert(3, fillerBytes: 1_000_000) }, { try $0.insert(4) }])

            #expect(outcomes[1].isUnavailable(saying: "cannot grow"))
            #expect(try await ids(store).contains(1))
            #expect(try await ids(store) == [1] + succeeded(outcomes))
            #expect(await store.readiness() == nil)
            try await store.write { try $0.insert(5) }
        }
    }

    @Test func aFullDatabaseThatCannotHoldAPageIsNotReadyUntilItCan() async throws {
        try await withItems { store in
            try await limitPages(store, to: 1)
            await #expect(throws: StorageError.self) {
                for id in 1... { try await store.write { try $0.insert(id, fillerBytes: 10_000) } }
            }

            let reason = await store.readiness()
            #expect(reason?.contains("\(store.path) cannot grow") == true)

            try await limitPages(store, to: 1_000_000)
            #expect(await store.readiness() == nil)
            #expect(await store.readiness() == nil)
        }
    }

    @Test func anErrorThatTheBodySwallowedIsNotAnsweredAsSuccess() async throws {
        try await withItems { store in
            try await limitPages(store, to: 20)

            let outcomes = try await group(
                store,
                [
                    {
                        try $0.insert(1)
                        // The mistake under test.
                        for id in 2...5 { try? $0.insert(id, fillerBytes: 1_000_000) }
                    }
                ])

            let kept = try await ids(store)
            #expect(kept == (outcomes[0].isSuccess ? [1] : []))
        }
    }

    @Test func clientsAreRefusedBelowTheFloorAndTheEngineIsNot() async throws {
        try await withItems(freeSpaceFloorBytes: .max) { store in
            let outcome = await #expect(throws: StorageError.self) { try await store.write { try $0.insert(1) } }

            guard case .unavailable(let words) = outcome else { throw try #require(outcome) }
            let directory = String(store.path.dropLast("/items.db".count))
            #expect(words.contains("are free in \(directory), and 8796093022207 MiB are needed"))
            #expect(await store.readiness() == words)
            try await store.write(.engine) { try $0.insert(2) }
            try await store.write(.maintenance) { try $0.insert(3) }
            #expect(try await ids(store) == [2, 3])
        }
    }

    @Test func thereIsSpaceAboveTheFloor() async throws {
        try await withItems(freeSpaceFloorBytes: 1) { store in
            try await store.write { try $0.insert(1) }

            #expect(await store.readiness() == nil)
        }
    }

    private func limitPages(_ store: SQLiteStore, to count: Int) async throws {
        _ = try await store.write(.engine) { try $0.rows("PRAGMA max_page_count = \(literal: count)") }
    }

    /// The ids 2, 3 and 4 as far as their writes succeeded.
    private func succeeded(_ outcomes: [Outcome]) -> [Int] {
        zip(2..., outcomes).filter { $1.isSuccess }.map(\.0)
    }
}

extension Outcome {
    /// Whether the write failed with `unavailable`, in words that contain `text`.
    fileprivate func isUnavailable(saying text: String) -> Bool {
        guard case .unavailable(let words)? = failure as? StorageError else { return false }
        return words.contains(text)
    }
}
