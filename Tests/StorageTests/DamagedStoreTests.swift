import Foundation
import TestSupport
import Testing

@testable import Storage

/// A file that holds what nobody wrote.
@Suite(.timeLimit(.minutes(15))) struct DamagedStoreTests {
    @Test func nothingIsTakenIntoADamagedFile() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/store.db"
            let lock = try ServerLock(database: path)
            let store = try await SQLiteStore.open(path: path, lock: lock)
            try await closing(store) {
                try await store.write { tx in
                    try tx.run("CREATE TABLE item (id \(.int64) PRIMARY KEY, filler \(.blob)) \(.strict)")
                    for id in 1...100 {
                        try tx.run("INSERT INTO item VALUES (\(id), \([UInt8](repeating: 7, count: 1_000)))")
                    }
                }
            }
            let file = try FileHandle(forUpdating: URL(filePath: path))
            let size = try file.seekToEnd()
            try #require(size > 60_000)
            try file.seek(toOffset: 20_000)
            try file.write(contentsOf: Data(repeating: 0xaa, count: Int(clamping: size) - 20_000))
            try file.close()

            let damaged = try await SQLiteStore.open(path: path)
            try await closing(damaged) {
                #expect(await damaged.readiness() == nil)
                let read = await #expect(throws: StorageError.self) {
                    try await damaged.read { tx in try tx.rows("SELECT id, filler FROM item ORDER BY id").count }
                }
                let write = await #expect(throws: StorageError.self) {
                    try await damaged.write { tx in try tx.run("CREATE TABLE other (id \(.int64)) \(.strict)") }
                }
                let reason = await damaged.readiness()

                guard case .corrupt = read else {
                    Issue.record("\(String(describing: read))")
                    return
                }
                #expect(reason?.hasPrefix("\(path) is damaged") == true)
                #expect(write == reason.map { .unavailable($0) })
            }
        }
    }
}
