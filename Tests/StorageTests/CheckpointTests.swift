import Foundation
import Logging
import TestSupport
import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(15))) struct CheckpointTests {
    private let start = ContinuousClock.now

    @Test func aPassOfFourMebibytesIsCopied() {
        var schedule = CheckpointSchedule()

        let steps = [1_023, 1_024, 1_030, 2_048].map { schedule.next(frames: $0, at: start) }

        #expect(steps == [nil, .copy, nil, .copy])
    }

    @Test func aLogThatStartedAfreshIsCountedAfresh() {
        var schedule = CheckpointSchedule()

        let steps = [3_000, 5, 1_100].map { schedule.next(frames: $0, at: start) }

        #expect(steps == [.copy, nil, .copy])
    }

    @Test func readsAreHeldUpForALogOf64MebibytesAtMostOnceASecond() {
        var schedule = CheckpointSchedule()

        var steps = [schedule.next(frames: 16_384, at: start)]
        schedule.resumed(at: start + .seconds(5))
        steps.append(schedule.next(frames: 17_500, at: start + .milliseconds(5_999)))
        steps.append(schedule.next(frames: 17_501, at: start + .milliseconds(6_000)))

        #expect(steps == [.quiesce, .copy, .quiesce])
    }

    @Test func aLogThatStartedAfreshIsNotWaitedForTheNextTime() {
        var schedule = CheckpointSchedule()
        _ = schedule.next(frames: 16_384, at: start)
        schedule.resumed(at: start)

        let steps = [10, 16_384].map { schedule.next(frames: $0, at: start + .milliseconds(1)) }

        #expect(steps == [nil, .quiesce])
    }

    @Test func aLogThatGrowsOnIsWarnedOfOnceAMinute() {
        var schedule = CheckpointSchedule()

        let alarms = [(32_767, 0), (32_768, 1), (40_000, 60), (40_000, 61)].map { frames, seconds in
            schedule.isAlarming(frames: frames, at: start + .seconds(seconds))
        }

        #expect(alarms == [false, true, false, true])
    }

    @Test func theLogIsCopiedWithoutBeingAskedTo() async throws {
        try await withItems { store in
            // Twice what starts a checkpoint, in commits of their own.
            for id in 1...8 { try await store.write { try $0.insert(id, fillerBytes: 1_048_576) } }

            // The answer may overtake the checkpoint.
            try await until("it is copied") { try size(store.path) >= 3 * 1_048_576 }
        }
    }

    @Test func readersThatOverlapDoNotLetTheLogGrow() async throws {
        try await withItems { store in
            let ending = Journal()
            var longest = 0
            try await withThrowingTaskGroup(of: Void.self) { readers in
                for reader in 0..<6 {
                    readers.addTask {
                        while ending.entries.isEmpty {
                            try await store.read(.account("\(reader)")) { tx in
                                // A snapshot that is held for a moment, so that never all of them are gone by themselves.
                                _ = try tx.rows("SELECT COUNT(*) FROM item")
                                Thread.sleep(forTimeInterval: 0.02)
                            }
                        }
                    }
                }
                // In commits of 4 MiB, five times what the log may hold.
                for id in 0..<80 {
                    try await store.write { tx in
                        for part in 0..<4 { try tx.insert(id * 4 + part, fillerBytes: 1_048_576) }
                    }
                    longest = max(longest, try size(store.path + "-wal"))
                }
                ending.add("written")
                try await readers.waitForAll()
            }

            // What is written while readers of 20 ms end, on a busy machine.
            #expect(longest < 128 * 1_048_576)
        }
    }

    @Test func aReaderOfAnotherProgramIsWarnedOfAndHoldsNobodyUp() async throws {
        let log = LogRecorder()
        try await withItems(logger: log.logger) { store in
            let other = try await SQLiteStore.open(path: store.path)
            try await closing(other) {
                let blocker = Blocker()
                async let reading: Void = other.read { tx in
                    _ = try tx.rows("SELECT COUNT(*) FROM item")
                    blocker.block()
                }
                await blocker.untilBlocked()
                for id in 0..<140 {
                    try await store.write { try $0.insert(id, fillerBytes: 1_048_576) }
                    try await store.read(.account("somebody")) { _ in }
                }
                blocker.release()
                try await reading
                try await store.write { try $0.insert(1_000) }
            }

            #expect(log.lines.count(where: { $0.message.hasPrefix("the log of the database grows") }) == 1)
            // Once it is gone, the next try finds nobody in the way.
            var id = 2_000
            try await until("the log is short again") {
                id += 1
                try await store.write { [id] in try $0.insert(id) }
                return try size(store.path + "-wal") <= 64 * 1_048_576
            }
        }
    }

    @Test func aStoreWithoutTheLockNeverCopiesTheLog() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            let store = try await SQLiteStore.open(path: path)
            _ = try await store.write { try $0.run("CREATE TABLE item (id \(.int64) PRIMARY KEY, filler \(.blob))") }
            for id in 1...8 { try await store.write { try $0.insert(id, fillerBytes: 1_048_576) } }
            try await store.close()

            // SQLite's own rules would have copied it at the fifth commit, and at the last close.
            #expect(try size(path) < 65_536)
            #expect(try size(path + "-wal") > 8 * 1_048_576)
        }
    }

    @Test func theServerLeavesTheFileAloneBehindUnlessAnotherProcessHasItOpen() async throws {
        for isShared in [false, true] {
            try await withTemporaryDirectory { directory in
                let path = directory + "/store.db"
                let lock = try ServerLock(database: path)
                let server = try await SQLiteStore.open(path: path, lock: lock)
                _ = try await server.write {
                    try $0.run("CREATE TABLE item (id \(.int64) PRIMARY KEY, filler \(.blob))")
                }
                let command = isShared ? try await SQLiteStore.open(path: path) : nil
                try await server.write { try $0.insert(1) }
                // A reader that is open, too, must not be the last to close.
                #expect(try await ids(server) == [1])

                try await server.close()
                lock.release()

                #expect(FileManager.default.fileExists(atPath: path + "-wal") == isShared)
                // What is written after the server, too, is there for the next one.
                try await command?.write { try $0.insert(2) }
                try await command?.close()
                let next = try await SQLiteStore.open(path: path)
                #expect(try await ids(next) == (isShared ? [1, 2] : [1]))
                try await next.close()
            }
        }
    }

    private func size(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }
}
