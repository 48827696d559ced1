import Foundation
import Logging
import Storage
import TestSupport
import Testing

/// Nothing that was answered is lost when the power is cut, which takes back what was not synced and tears what was being
/// written: a kill never shows that.
@Suite(.timeLimit(.minutes(15))) struct PowerCutTests {
    /// What an image breaks.
    private enum Fault: Equatable {
        case damaged(String)
        case lost([Int])
        case tornTransaction
    }

    @Test(arguments: 1...(isSoak ? 200 : 15))
    func whatWasAnsweredSurvives(_ seed: Int) async throws {
        let (faults, cuts) = try await faults(seed: UInt64(seed), .honest)

        #expect(faults.isEmpty, "seed \(seed)")
        #expect(cuts > 5, "seed \(seed): only \(cuts) cuts")
    }

    /// How the test is tested: with a disk that syncs nothing, it has to find what is missing.
    @Test(arguments: [PowerCutDisk.Manner.liesAboutLogs, .liesAboutDatabases])
    func aDiskThatLiesIsConvicted(_ manner: PowerCutDisk.Manner) async throws {
        for seed in 1...20 where try await !faults(seed: UInt64(seed), manner).faults.isEmpty { return }
        Issue.record("nothing was missing on a disk that lies")
    }

    /// Writes from many tasks, reads beside them, opens the store a second time, and looks at what each cut left.
    private func faults(
        seed: UInt64, _ manner: PowerCutDisk.Manner
    ) async throws -> (faults: [Fault], cuts: Int) {
        try await withTemporaryDirectory { directory in
            let (folder, images) = (directory + "/store", directory + "/images")
            for path in [folder, images] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            let disk = PowerCutDisk(folder: folder, images: images, limit: 12, every: 700, seed: seed, manner)
            do {
                for round in 0..<2 { try await work(round, seed, folder + "/items.db", disk) }
            } catch {
                _ = disk.close()
                throw error
            }
            var faults: [Fault] = []
            let left = disk.close()
            for image in left {
                if let fault = try await fault(of: image) { faults.append(fault) }
                try FileManager.default.removeItem(atPath: image.folder)
            }
            return (faults, left.count)
        }
    }

    private func work(_ round: Int, _ seed: UInt64, _ path: String, _ disk: PowerCutDisk) async throws {
        let lock = try ServerLock(database: path)
        defer { lock.release() }
        let store = try await SQLiteStore.open(
            path: path, lock: lock, logger: Logger(label: "tests"), freeSpaceFloorBytes: 0)
        try await closing(store) {
            if round == 0 {
                try await store.write(.maintenance) { tx in
                    _ = try tx.run("CREATE TABLE item (id \(.int64) PRIMARY KEY, filler \(.blob)) \(.strict)")
                    _ = try tx.run("CREATE TABLE total (items \(.int64) NOT NULL) \(.strict)")
                    _ = try tx.run("INSERT INTO total (items) VALUES (0)")
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for task in 0..<8 {
                    tasks.addTask {
                        var random = SeededGenerator(seed: seed &* 100 &+ UInt64(task * 10 + round))
                        for number in 0..<40 {
                            let item = (round * 8 + task) * 1_000 + number
                            let size = Int.random(in: 10...30_000, using: &random)
                            try await store.write { tx in
                                try tx.insert(item, fillerBytes: size)
                                _ = try tx.run("UPDATE total SET items = items + 1")
                            }
                            disk.answered(item)
                            if number % 8 == 0 { _ = try await ids(store) }
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }
    }

    /// Opens what a cut left, as a server does that starts after it.
    private func fault(of image: PowerCutDisk.Image) async throws -> Fault? {
        let path = image.folder + "/items.db"
        guard FileManager.default.fileExists(atPath: path) else {
            return image.answered.isEmpty ? nil : .lost(image.answered.sorted())
        }
        do {
            let store = try await SQLiteStore.open(path: path, freeSpaceFloorBytes: 0)
            return try await closing(store) {
                try await store.read { tx in
                    let check = try tx.rows("PRAGMA integrity_check").map {
                        try $0.get("integrity_check", as: String.self)
                    }
                    guard check == ["ok"] else { return .damaged(check.joined(separator: "; ")) }
                    let tables = try tx.rows("SELECT name FROM sqlite_schema WHERE name = 'total'")
                    guard !tables.isEmpty else {
                        return image.answered.isEmpty ? nil : .lost(image.answered.sorted())
                    }
                    let found = Set(try tx.rows("SELECT id FROM item").map { try $0.get("id", as: Int.self) })
                    let total: Int = try tx.value("SELECT items AS value FROM total") ?? -1
                    guard image.answered.isSubset(of: found) else {
                        return .lost(image.answered.subtracting(found).sorted())
                    }
                    return total == found.count ? nil : .tornTransaction
                }
            }
        } catch let error as StorageError {
            return .damaged("\(error)")
        }
    }
}
