import Foundation
import Storage
import Testing
import TestSupport

struct SQLiteStoreTests {
    @Test func commitsAreFlushedAndTheLogIsUsed() async throws {
        try await withItems { store in
            let settings = try await store.write { transaction in
                try [
                    transaction.rows("PRAGMA synchronous").first?.get("synchronous", as: Int.self),
                    transaction.rows("PRAGMA foreign_keys").first?.get("foreign_keys", as: Int.self),
                    transaction.rows("PRAGMA auto_vacuum").first?.get("auto_vacuum", as: Int.self),
                    transaction.rows("PRAGMA temp_store").first?.get("temp_store", as: Int.self),
                    transaction.rows("PRAGMA wal_autocheckpoint").first?.get("wal_autocheckpoint", as: Int.self),
                ]
            }
            let journal = try await store.write {
                try $0.rows("PRAGMA journal_mode").first?.get("journal_mode", as: String.self)
            }

            #expect(settings == [2, 1, 2, 2, 0])
            #expect(journal == "wal")
        }
    }

    @Test func filesAndDirectoriesAreMadeForTheServerAlone() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a/b/store.db"
            let store = try await SQLiteStore.open(path: path)
            try await store.close()

            #expect(try mode(directory + "/a") == 0o700)
            #expect(try mode(directory + "/a/b") == 0o700)
            #expect(try mode(path) == 0o600)
        }
    }

    @Test func whatIsCommittedIsThereAfterReopening() async throws {
        try await withTemporaryDirectory { directory in
            let first = try await SQLiteStore.open(path: directory + "/store.db")
            _ = try await first.write { try $0.run("CREATE TABLE item (id \(.int64))") }
            _ = try await first.write { try $0.run("INSERT INTO item VALUES (5)") }
            try await first.close()

            let second = try await SQLiteStore.open(path: directory + "/store.db")
            let value = try await second.read { try $0.value("SELECT id AS value FROM item", as: Int.self) }
            try await second.close()

            #expect(value == 5)
        }
    }

    @Test func aFileThatIsNoDatabaseIsReportedAsCorrupt() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            try Data(String(repeating: "not a database. ", count: 1_000).utf8).write(to: URL(fileURLWithPath: path))

            let error = await #expect(throws: StorageError.self) { _ = try await SQLiteStore.open(path: path) }

            guard case .corrupt(let words) = error else { throw try #require(error) }
            #expect(words.contains(path))
        }
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() async throws {
        await #expect(throws: StorageError.self) { _ = try await SQLiteStore.open(path: "/dev/null/store.db") }
    }

    @Test func aClosedStoreRefusesEverythingAndClosesOnce() async throws {
        try await withItems { store in
            async let waiting: Void = store.write { try $0.insert(1) }
            try await waiting
            try await store.close()
            try await store.close()

            let expected = StorageError.unavailable("\(store.path) is closed.")
            await #expect(throws: expected) { try await store.write { _ in } }
            await #expect(throws: expected) { try await store.read { _ in } }
            #expect(await store.readiness() == "\(store.path) is closed.")
        }
    }

    @Test func aReadMustNotWrite() async throws {
        try await withItems { store in
            let error = await #expect(throws: StorageError.self) { try await store.read { try $0.insert(1) } }

            guard case .statement(let words) = error else { throw try #require(error) }
            #expect(words.hasPrefix("a read must not write: INSERT"))
            #expect(try await ids(store) == [])
        }
    }

    @Test func aReadSeesOneMoment() async throws {
        try await withItems { store in
            let blocker = Blocker()
            async let counts = store.read { transaction in
                let before = try transaction.value("SELECT count(*) AS value FROM item", as: Int.self)
                blocker.block()
                return [before, try transaction.value("SELECT count(*) AS value FROM item", as: Int.self)]
            }
            await blocker.untilBlocked()
            try await store.write { try $0.insert(1) }
            blocker.release()

            #expect(try await counts == [0, 0])
            #expect(try await ids(store) == [1])
        }
    }

    @Test(.timeLimit(.minutes(15))) func aReadThatTakesTooLongIsEnded() async throws {
        try await withItems(readLimit: .milliseconds(50)) { store in
            let endless: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

            await #expect(
                throws: StorageError.unavailable("A read took too long and was ended. Ask for less, or try again.")
            ) {
                try await store.read { _ = try $0.rows(endless) }
            }

            for _ in 0..<4 {
                let found = try await ids(store)
                #expect(found == [])
            }
        }
    }

    @Test func aReadThatSpendsItsTimeOutsideTheDatabaseIsEndedToo() async throws {
        try await withItems(readLimit: .zero) { store in
            await #expect(throws: StorageError.self) { _ = try await ids(store) }
        }
    }

    @Test func errorsOfAReadArePassedOn() async throws {
        struct NotFound: Error {}
        try await withItems { store in
            await #expect(throws: NotFound.self) { try await store.read { _ in throw NotFound() } }
        }
    }

    @Test func twoServersOfOneDatabaseAreRefused() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/store.db"
            let lock = try ServerLock(database: path)

            let error = #expect(throws: StorageError.self) { _ = try ServerLock(database: path) }

            guard case .unavailable(let words) = error else { throw try #require(error) }
            #expect(words.contains("process \(ProcessInfo.processInfo.processIdentifier)"))
            #expect(words.contains("\(path).lock. Stop it first"))
            lock.release()
            lock.release()
            try ServerLock(database: path).release()
        }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
}
