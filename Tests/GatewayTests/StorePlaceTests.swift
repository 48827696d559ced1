import Foundation
import Gateway
import Logging
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Server

/// No new store hides that another one is lost.
@Suite(.timeLimit(.minutes(15))) struct StorePlaceTests {
    @Test(arguments: [".key", "-wal", ".restoring", ".attachments/ab/ab000000000000000000000000000000"])
    func noStoreIsMadeBesideWhatBelongsToOne(remains: String) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/httpsms.sqlite"
            let file = URL(filePath: path + remains)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("x".utf8).write(to: file)

            let error = await #expect(throws: StorageError.self) { try await Self.open(path) }

            #expect("\(try #require(error))".contains("there is no \(path), but what belongs to one is there"))
            #expect(!FileManager.default.fileExists(atPath: path))
            try FileManager.default.removeItem(at: file)
            try await Self.open(path)
        }
    }

    @Test func aDatabaseThatWasMovedAwayIsNotReplaced() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/httpsms.sqlite"
            try await Self.open(path)
            for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
                try FileManager.default.moveItem(atPath: path + suffix, toPath: directory + "/away" + suffix)
            }

            let error = await #expect(throws: StorageError.self) { try await Self.open(path) }

            #expect("\(try #require(error))".contains(path + ".key"))
            for suffix in ["", "-wal", "-shm"]
            where FileManager.default.fileExists(atPath: directory + "/away" + suffix) {
                try FileManager.default.moveItem(atPath: directory + "/away" + suffix, toPath: path + suffix)
            }
            try await Self.open(path)
        }
    }

    @Test func whatIsNotRestoredToItsEndIsNotOpened() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/httpsms.sqlite"
            try await Self.open(path)
            let marker = StoreIDFile(path + ".restoring")
            try marker.write(StoreIDFile.draw())

            let error = await #expect(throws: StorageError.self) { try await Self.open(path) }

            #expect("\(try #require(error))".contains("run `httpsms restore` again"))
            // A copy that an earlier version did not finish, beside a store that has been in use since.
            try Data(repeating: 0x53, count: 4_096).write(to: URL(filePath: marker.path))
            try await Self.open(path)
        }
    }

    private static func open(_ path: String) async throws {
        let configuration = try GatewayConfiguration(flags: [:], environment: ["DATABASE_URL": "sqlite:\(path)"])
        try await GatewayStore.open(configuration, clock: SystemClock(), logger: Logger(label: "tests")).store.close()
    }
}
