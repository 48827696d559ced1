import Foundation
import Gateway
import Logging
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Server

/// `httpsms restore` that is ended on its way, below the command.
@Suite(.timeLimit(.minutes(15))) struct RestoreTests {
    private static let token = String(repeating: "a", count: 32)
    private static let bytes = Data([1, 2, 3])

    /// How far an earlier run came.
    enum Stage: CaseIterable {
        case marked, copiesAttachments, hasPlacedTheDatabase
    }

    @Test func theDatabaseGetsItsNameLast() async throws {
        try await withBackup { directory, backup, manifest in
            let path = directory + "/restored/httpsms.sqlite"
            let seen = Mutex<[Bool]>([])

            try await Restore(configuration: try Self.configuration(path)) { step in
                guard step == "store: copying" else { return }
                let there = [path + ".restoring", Self.file(path), path].map {
                    FileManager.default.fileExists(atPath: $0)
                }
                seen.withLock { $0 = there }
            }.run(backup, manifest)

            let there = seen.withLock { $0 }
            #expect(there == [true, true, false])
            #expect(!FileManager.default.fileExists(atPath: path + ".restoring"))
            #expect(FileManager.default.contents(atPath: Self.file(path)) == Self.bytes)
        }
    }

    @Test(arguments: Stage.allCases) func anInterruptedRestoreStartsOver(stage: Stage) async throws {
        try await withBackup { directory, backup, manifest in
            let path = directory + "/restored/httpsms.sqlite"
            let configuration = try Self.configuration(path)
            let id = StoreIDFile.draw()
            let owner = AttachmentOwner(URL(fileURLWithPath: path + ".attachments"))
            try StoreIDFile(path + ".restoring").write(id)
            if stage != .marked {
                try owner.file.write(id)
                try Self.write(Data([9]), Self.file(path))
            }
            if stage == .hasPlacedTheDatabase {
                try FileManager.default.copyItem(at: backup.file(BackupFolder.sqlite), to: URL(filePath: path))
            }
            let error = await #expect(throws: StorageError.self) { try await Self.open(configuration).close() }
            #expect("\(try #require(error))".contains("run `httpsms restore` again"))

            try await Restore(configuration: configuration, report: { _ in }).run(backup, manifest)

            #expect(FileManager.default.contents(atPath: Self.file(path)) == Self.bytes)
            let store = try await Self.open(configuration)
            try await closing(store) {
                let stored = try await store.read { tx in try AttachmentQueries.storeID(in: tx) }
                let finding = try await owner.look(in: store)
                #expect(stored == id && finding == .ours)
            }
        }
    }

    /// Who tries out a restore beside the real server gives another database, and may forget the folder.
    @Test func nothingIsRestoredIntoTheFolderOfAnotherStore() async throws {
        try await withBackup { directory, backup, manifest in
            let path = directory + "/restored/httpsms.sqlite"
            let folder = directory + "/first/httpsms.sqlite.attachments"
            let configuration = try Self.configuration(path, ["ATTACHMENTS_FOLDER": folder])

            let error = await #expect(throws: BackupError.self) {
                try await Restore(configuration: configuration, report: { _ in }).run(backup, manifest)
            }

            #expect("\(try #require(error))".contains("holds the files of another store"))
            for suffix in ["", ".restoring", ".key"] {
                #expect(!FileManager.default.fileExists(atPath: path + suffix), "\(suffix)")
            }
        }
    }

    @Test func aDatabaseWithHalfOfAnotherBackupIsRefused() async throws {
        try await withTemporaryDirectory { directory in
            try await withPostgresURL { url in
                let key = Data(repeating: 7, count: 32).base64EncodedString()
                let configuration = try GatewayConfiguration(
                    flags: [:], environment: ["DATABASE_URL": url, "MASTER_KEY": key])
                let store = try await PostgresStore.open(url: url, connections: 1)
                try await closing(store) {
                    try await store.write(.maintenance) { tx in
                        let source = "\(StoreMoveQueries.backupPrefix)/another of yesterday \(StoreIDFile.draw())"
                        try StoreMoveQueries.begin(source: source, in: tx)
                    }
                }
                let unopened = await #expect(throws: StorageError.self) {
                    try await Self.open(configuration).close()
                }
                #expect("\(try #require(unopened))".contains("run `httpsms restore` again"))

                let error = await #expect(throws: BackupError.self) {
                    let manifest = BackupFolder.Manifest(engine: "postgresql", madeAt: "today")
                    try await Restore(configuration: configuration, report: { _ in })
                        .run(BackupFolder(directory), manifest)
                }

                #expect("\(try #require(error))".contains("unfinished copy of the backup /another of yesterday"))
            }
        }
    }

    private static func configuration(
        _ path: String, _ others: [String: String] = [:]
    ) throws -> GatewayConfiguration {
        try GatewayConfiguration(
            flags: [:], environment: ["DATABASE_URL": "sqlite:\(path)"].merging(others) { $1 })
    }

    private static func open(_ configuration: GatewayConfiguration) async throws -> any Store {
        try await GatewayStore.open(configuration, clock: SystemClock(), logger: Logger(label: "tests")).store
    }

    /// The file of the attachment that the store at `path` names.
    private static func file(_ path: String) -> String { "\(path).attachments/aa/\(token)" }

    private static func write(_ data: Data, _ path: String) throws {
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    /// A backup, with its key, of a store in `first` that has an attachment.
    private func withBackup(
        _ body: (_ directory: String, BackupFolder, BackupFolder.Manifest) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/first/httpsms.sqlite"
            let configuration = try Self.configuration(path)
            let store = try await Self.open(configuration)
            try await closing(store) {
                try Self.write(Self.bytes, Self.file(path))
                _ = try await store.write { tx in
                    try tx.run(
                        """
                        INSERT INTO attachment (
                            message_id, number, user_id, token, file_name, content_type, byte_count)
                        VALUES ('m', 0, 'u', \(Self.token), 'a.png', 'image/png', 3)
                        """)
                }
            }
            let folder = BackupFolder(directory + "/backup")
            let backup = Backup(configuration: configuration, withKey: true, report: { _ in })
            let manifest = try await folder.fill { try await backup.fill($0) }
            #expect(manifest.attachments == 1)
            try await body(directory, folder, manifest)
        }
    }
}
