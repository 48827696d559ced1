import Foundation
import Logging
import TestSupport
import Testing

@testable import Storage

/// Files that are taken away under a running store.
@Suite(.timeLimit(.minutes(15))) struct StoreWatchTests {
    /// What may happen to a store.
    enum Mishap: String, CaseIterable, Sendable {
        case databaseDeleted, logDeleted, indexDeleted, lockDeleted, databaseRenamed, databaseRestored, directoryMoved

        func happen(to path: String) throws {
            let files = FileManager.default
            switch self {
            case .databaseDeleted: try files.removeItem(atPath: path)
            case .logDeleted: try files.removeItem(atPath: path + "-wal")
            case .indexDeleted: try files.removeItem(atPath: path + "-shm")
            case .lockDeleted: try files.removeItem(atPath: path + ".lock")
            case .databaseRenamed: try files.moveItem(atPath: path, toPath: path + ".old")
            case .databaseRestored:
                try files.copyItem(atPath: path, toPath: path + ".copy")
                guard rename(path + ".copy", path) == 0 else { throw CocoaError(.fileWriteUnknown) }
            case .directoryMoved:
                let directory = URL(filePath: path).deletingLastPathComponent().path
                try files.moveItem(atPath: directory, toPath: directory + ".moved")
            }
        }
    }

    @Test(arguments: Mishap.allCases) func theProcessEndsAndNothingMoreIsAccepted(mishap: Mishap) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/data/items.db"
            let lock = try lockMakingDirectory(path)
            defer { lock.release() }
            let log = LogRecorder()
            let store = try await SQLiteStore.open(path: path, lock: lock)
            try await closing(store) {
                _ = try await store.write { try $0.run("CREATE TABLE item (id \(.int64))") }
                let ends = Journal()
                let watch = StoreWatch(store, interval: .milliseconds(5), logger: log.logger) { ends.add("\($0)") }
                let running = Task { try await watch.run() }
                defer { running.cancel() }

                try mishap.happen(to: path)
                try await until("the process ends") { ends.entries.first == "74" }

                #expect(log.lines.first?.level == .critical)
                #expect(await store.readiness()?.contains(directory) == true)
                await #expect(throws: StorageError.self) {
                    try await store.write { _ = try $0.run("INSERT INTO item VALUES (1)") }
                }
            }
        }
    }

    @Test func whatWasAcceptedIsInTheFileWhenItsLogWasDeleted() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/items.db"
            let lock = try ServerLock(database: path)
            defer { lock.release() }
            let store = try await SQLiteStore.open(path: path, lock: lock)
            _ = try await store.write { try $0.run("CREATE TABLE item (id \(.int64))") }
            _ = try await store.write { try $0.run("INSERT INTO item VALUES (7)") }
            try FileManager.default.removeItem(atPath: path + "-wal")
            try FileManager.default.removeItem(atPath: path + "-shm")

            await store.abandon(because: "the test wants it so")

            // As the next start would find it, while this process still has the old files open.
            try FileManager.default.copyItem(atPath: path, toPath: directory + "/next.db")
            let next = try await SQLiteStore.open(path: directory + "/next.db")
            #expect(try await ids(next) == [7])
            try await next.close()
            try await store.close()
        }
    }

    @Test func aStoreThatIsLeftAloneIsWatchedInPeace() async throws {
        try await withItems { store in
            let files = StoreFiles(database: store.path)
            for id in 1...8 { try await store.write { try $0.insert(id, fillerBytes: 1_048_576) } }
            let command = try await SQLiteStore.open(path: store.path)
            try await command.write { try $0.insert(9) }
            try await command.close()

            #expect(files.loss() == nil)
        }
    }

    private func lockMakingDirectory(_ path: String) throws -> ServerLock {
        try FileManager.default.createDirectory(
            atPath: URL(filePath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        return try ServerLock(database: path)
    }
}
