import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Positions and sequences where many write at once.
@Suite(.timeLimit(.minutes(15))) struct EventNumberingTests {
    @Test func whatIsCommittedIsNumberedInBatchesWithoutGaps() async throws {
        try await withEngine(.postgresql) { harness in
            let first = try await harness.addEndpoint()
            let second = try await harness.addEndpoint(owners: [EngineHarness.owner, "+18005550198"])
            let events = (0..<1_700).map { number in
                harness.event(owner: number % 2 == 0 ? EngineHarness.owner : "+18005550198")
            }
            try await harness.emit(events)

            let before = try await harness.store.read { tx in
                try EventLog.page(userID: EngineHarness.userID, after: 0, limit: 10, in: tx).events
            }
            #expect(before.isEmpty, "nobody sees a position that may still have smaller ones behind it")
            try await harness.number()

            let positions = try await harness.numbers("SELECT position AS number FROM event ORDER BY position")
            #expect(positions == Array(1...1_700))
            for (endpoint, count) in [(first, 850), (second, 1_700)] {
                let sequences = try await harness.numbers(
                    "SELECT sequence AS number FROM delivery WHERE endpoint_id = \(endpoint) ORDER BY sequence")
                #expect(sequences == Array(1...Int64(count)))
            }
            let accounts = try await harness.store.read { tx in try Audit.accounts(in: tx) }
            #expect(Set(accounts.map(\.accepted)) == [850, 1_700])
            #expect(accounts.allSatisfy { $0.unaccounted == 0 })
        }
    }

    @Test func theAuditCountsWhatHasNoNumberYet() async throws {
        try await withEngine(.postgresql) { harness in
            try await harness.addEndpoint()
            let event = harness.event()
            try await harness.store.write { tx in try tx.emit(event) }

            let accounts = try await harness.store.read { tx in try Audit.accounts(in: tx) }
            #expect(accounts.map(\.accepted) == [1])
            #expect(accounts.map(\.unaccounted) == [0])
        }
    }

    /// Who reads a position has all below it, whatever commits and numbers in between.
    @Test func aReaderNeverSeesAPositionBeforeASmallerOne() async throws {
        try await withEngine(.postgresql) { harness in
            try await harness.addEndpoint()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<50 {
                            let event = harness.event()
                            try await harness.store.write { tx in try tx.emit(event) }
                        }
                        return false
                    }
                }
                for _ in 0..<2 {
                    group.addTask {
                        while !Task.isCancelled {
                            // Cancelled at the end, when all is numbered.
                            _ = try? await harness.store.write { tx in try EventNumbering.step(in: tx) }
                        }
                        return false
                    }
                }
                group.addTask {
                    var seen: Int64 = 0
                    while seen < 200 {
                        let page = try await harness.store.read { [seen] tx in
                            try EventLog.page(userID: EngineHarness.userID, after: seen, limit: 50, in: tx).events
                        }
                        let expected = seen..<(seen + Int64(page.count))
                        #expect(page.map(\.position) == expected.map { $0 + 1 })
                        seen += Int64(page.count)
                    }
                    return true
                }
                while let hasReadAll = try await group.next() { if hasReadAll { group.cancelAll() } }
            }
        }
    }
}

extension EngineHarness {
    fileprivate func numbers(_ sql: SQL) async throws -> [Int64] {
        try await store.read { tx in try tx.rows(sql).map { try $0.get("number") } }
    }
}
