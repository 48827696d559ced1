import Foundation
import Testing

@testable import Storage

struct CheckpointTests {
    private let start = ContinuousClock.now

    @Test func aPassOfFourMebibytesIsCopiedBesideTheWriter() {
        var schedule = CheckpointSchedule()

        #expect(schedule.next(frames: 1_023, at: start) == nil)
        #expect(schedule.next(frames: 1_024, at: start) == .passive)
        #expect(schedule.next(frames: 1_030, at: start) == nil)
        #expect(schedule.next(frames: 2_048, at: start) == .passive)
    }

    @Test func aLogThatStartedAfreshIsCountedAfresh() {
        var schedule = CheckpointSchedule()
        _ = schedule.next(frames: 3_000, at: start)

        #expect(schedule.next(frames: 5, at: start) == nil)
        #expect(schedule.next(frames: 1_100, at: start) == .passive)
    }

    @Test func aLogOf64MebibytesIsEmptiedAtMostOnceASecond() {
        var schedule = CheckpointSchedule()

        #expect(schedule.next(frames: 16_384, at: start) == .truncate)
        #expect(schedule.next(frames: 16_385, at: start + .milliseconds(999)) == .passive)
        #expect(schedule.next(frames: 16_386, at: start + .milliseconds(1_000)) == .truncate)
    }

    @Test(.timeLimit(.minutes(1))) func theLogIsCopiedWithoutBeingAskedTo() async throws {
        try await withItems { store in
            // Twice what starts a checkpoint, in commits of their own.
            for id in 1...8 { try await store.write { try $0.insert(id, fillerBytes: 1_048_576) } }

            // The checkpoint runs beside the writer, so only its end can be waited for.
            while try size(store.path) < 3 * 1_048_576 { await Task.yield() }
        }
    }

    @Test func aLongLogIsEmptiedByTheWriter() async throws {
        try await withItems { store in
            try await store.write { transaction in
                for id in 1...70 { try transaction.insert(id, fillerBytes: 1_048_576) }
            }
            // The answer may overtake the checkpoint, but the next write cannot.
            try await store.write { try $0.insert(71) }

            #expect(try size(store.path + "-wal") < 1_048_576)
            #expect(try size(store.path) > 70 * 1_048_576)
        }
    }

    private func size(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }
}
