import Foundation
import Storage
import TestSupport
import Testing

/// One file has one lock and one log, by whatever name it is reached.
@Suite struct DatabaseFileTests {
    @Test func aLinkLeadsToTheLockOfTheFile() async throws {
        try await withTemporaryDirectory { directory in
            let files = FileManager.default
            let path = directory + "/real/s.db"
            let lock = try ServerLock(database: path)
            defer { lock.release() }
            try await SQLiteStore.open(path: path, lock: lock).close()
            try files.createDirectory(atPath: directory + "/links", withIntermediateDirectories: true)
            try files.createSymbolicLink(atPath: directory + "/links/t.db", withDestinationPath: path)
            try files.createSymbolicLink(atPath: directory + "/folder", withDestinationPath: directory + "/real")

            for name in ["links/t.db", "folder/s.db", "real/../real/./s.db"] {
                #expect(throws: StorageError.self, "\(name)") { try ServerLock(database: "\(directory)/\(name)") }
            }
            let other = try ServerLock(database: directory + "/folder/other.db")
            other.release()
            #expect(files.fileExists(atPath: directory + "/real/other.db.lock"))
        }
    }

    @Test func aFileWithTwoNamesIsNotOpened() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/s.db"
            try await SQLiteStore.open(path: path).close()
            try FileManager.default.linkItem(atPath: path, toPath: directory + "/t.db")

            for name in ["s.db", "t.db"] {
                await #expect(throws: StorageError.self, "\(name)") {
                    try await SQLiteStore.open(path: "\(directory)/\(name)").close()
                }
            }
        }
    }

    @Test func theLogOfALinkedStoreIsWatchedBesideTheFile() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/real/s.db"
            try await SQLiteStore.open(path: path).close()
            try FileManager.default.createSymbolicLink(atPath: directory + "/t.db", withDestinationPath: path)

            let store = try await SQLiteStore.open(path: directory + "/t.db")
            #expect(store.path.hasSuffix("/real/s.db"))
            try await store.close()
        }
    }
}
