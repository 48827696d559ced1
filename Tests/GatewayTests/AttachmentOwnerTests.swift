import Foundation
import Server
import Storage
import TestSupport
import Testing

@testable import Gateway

/// Whose the files of a folder are: nobody deletes those of another store.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AttachmentOwnerTests {
    private static let (first, second) = (String(repeating: "a", count: 32), String(repeating: "b", count: 32))

    @Test(arguments: Engine.enabled) func noServerStartsOnTheFolderOfAnotherStore(engine: Engine) async throws {
        try await withTemporaryDirectory { folder in
            let settings = ["ATTACHMENTS_FOLDER": folder]
            try await withServer(settings, on: engine) { _ in }

            let error = await #expect(throws: StorageError.self) {
                try await withServer(settings, on: engine) { _ in }
            }

            #expect("\(try #require(error))".contains("holds the files of another store"))
        }
    }

    @Test(arguments: Engine.enabled) func noServerStartsBesideFilesThatItsStoreDoesNotName(engine: Engine) async throws
    {
        try await withTemporaryDirectory { folder in
            try Self.make(Self.first, in: folder)

            let error = await #expect(throws: StorageError.self) {
                try await withServer(["ATTACHMENTS_FOLDER": folder], on: engine) { _ in }
            }

            #expect("\(try #require(error))".contains("holds files that this store does not name"))
            #expect(Self.exists(Self.first, in: folder))
        }
    }

    @Test(arguments: Engine.enabled) func aFolderFromBeforeIsThatOfTheStoreThatNamesItsFiles(engine: Engine)
        async throws
    {
        try await withFolder(engine) { folder, store in
            let owner = AttachmentOwner(URL(fileURLWithPath: folder))
            #expect(try await owner.look(in: store) == .free)
            try Self.make(Self.first, in: folder)
            #expect(try await owner.settle(in: store) == .unknown)
            #expect(try owner.file.id() == nil)
            try Self.make(Self.second, in: folder)
            try await Self.claim(Self.second, in: store)

            #expect(try await owner.settle(in: store) == .ours)

            let id = try await store.read { tx in try AttachmentQueries.storeID(in: tx) }
            let named = try owner.file.id()
            #expect(named != nil && named == id)
            try owner.file.write(StoreIDFile.draw())
            #expect(try await owner.settle(in: store) == .another)
        }
    }

    @Test(arguments: Engine.enabled) func aFolderThatIsMovedAwayIsNotMadeAgainBesideARunningServer(
        engine: Engine
    ) async throws {
        try await withFolder(engine) { folder, store in
            let missing = folder + "/missing"
            let owner = AttachmentOwner(URL(fileURLWithPath: missing))

            let finding = try await owner.settle(in: store)

            #expect(finding == .free)
            #expect(!FileManager.default.fileExists(atPath: missing))
            // Nor is an empty one taken, which is what is there while a disk is away, until a server starts.
            try FileManager.default.createDirectory(atPath: missing, withIntermediateDirectories: false)
            #expect(try await owner.settle(in: store) == .free)
            #expect(try owner.file.id() == nil)
            #expect(try await owner.settle(in: store, takesFree: true) == .ours)
            #expect(try owner.file.id() != nil)
        }
    }

    @Test(arguments: Engine.enabled) func anEmptyFolderIsNotThatOfAStoreThatNamesFilesUntilItsOperatorSaysSo(
        engine: Engine
    ) async throws {
        try await withFolder(engine) { folder, store in
            let owner = AttachmentOwner(URL(fileURLWithPath: folder))
            _ = try await store.write { tx in
                try tx.run(
                    """
                    INSERT INTO attachment (message_id, number, user_id, token, file_name, content_type, byte_count)
                    VALUES ('m', 0, 'u', \(Self.first), 'a.png', 'image/png', 1)
                    """)
            }

            #expect(try await owner.settle(in: store, takesFree: true, makesFolder: true) == .away)
            #expect(try owner.file.id() == nil)
            try Data().write(to: URL(filePath: owner.file.path))
            #expect(try await owner.settle(in: store) == .ours)
            #expect(try owner.file.id() != nil)
        }
    }

    @Test(arguments: Engine.enabled) func filesInTheDatabaseKeepNobodyFromTakingAFolder(engine: Engine) async throws {
        try await withFolder(engine) { folder, store in
            _ = try await store.write { tx in
                try tx.run(
                    """
                    INSERT INTO attachment (message_id, number, user_id, token, file_name, content_type, byte_count)
                    VALUES ('m', 0, 'u', \(Self.first), 'a.png', 'image/png', 1)
                    """)
                try AttachmentQueries.insertContent(Data([1]), token: Self.first, in: tx)
            }

            let finding = try await AttachmentOwner(URL(fileURLWithPath: folder)).look(in: store)

            #expect(finding == .free)
        }
    }

    /// Rows of files that are to be deleted stay while nobody can tell whether the folder is there.
    @Test(arguments: Engine.enabled) func nothingIsForgottenWhileTheFolderIsAway(engine: Engine) async throws {
        try await withFolder(engine) { folder, store in
            try await Self.claim(Self.first, in: store)
            var memory = AttachmentSweep.Memory()

            try await Self.sweep(folder + "/missing", store, LogRecorder()).work(&memory)

            let rows = try await store.read { tx in try tx.rows("SELECT token FROM attachment_garbage").count }
            #expect(rows == 1)
        }
    }

    @Test(arguments: Engine.enabled) func nothingIsDeletedThroughAFolderOfAnotherStore(engine: Engine) async throws {
        try await withFolder(engine) { folder, _ in
            let url = URL(fileURLWithPath: folder)
            let attachments = AttachmentFolder(url, of: StoreIDFile.draw())
            try Self.make(Self.first, in: folder)

            await attachments.remove([Self.first])
            #expect(Self.exists(Self.first, in: folder))

            try AttachmentOwner(url).file.write(try #require(attachments.storeID))
            await attachments.remove([Self.first])
            #expect(!Self.exists(Self.first, in: folder))
        }
    }

    /// Whatever times the files have: those of other machines are no better than their clocks.
    @Test(arguments: Engine.enabled) func onlyWhatTwoSearchesFoundWithoutAMessageIsDeleted(engine: Engine) async throws
    {
        try await withFolder(engine) { folder, store in
            for token in [Self.first, Self.second] {
                try Self.make(token, in: folder)
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: 0)], ofItemAtPath: Self.path(token, in: folder))
            }
            let sweep = Self.sweep(folder, store, LogRecorder())

            let found = try await sweep.search([])

            #expect(found == [Self.first, Self.second])
            #expect(Self.exists(Self.first, in: folder) && Self.exists(Self.second, in: folder))
            try await Self.claim(Self.second, in: store)
            #expect(try await sweep.search(found) == [])
            #expect(!Self.exists(Self.first, in: folder) && Self.exists(Self.second, in: folder))
        }
    }

    @Test(arguments: Engine.enabled) func nothingIsDeletedInTheFolderOfAnotherStore(engine: Engine) async throws {
        try await withFolder(engine) { folder, store in
            try Self.make(Self.first, in: folder)
            try await Self.claim(Self.first, in: store)
            try AttachmentOwner(URL(fileURLWithPath: folder)).file.write(StoreIDFile.draw())
            let log = LogRecorder()
            var memory = AttachmentSweep.Memory()

            for _ in 0..<2 { try await Self.sweep(folder, store, log).work(&memory) }

            #expect(Self.exists(Self.first, in: folder))
            #expect(log.lines.count { $0.message == "files of attachments are not swept" } == 1)
        }
    }

    private static func sweep(_ folder: String, _ store: any Store, _ log: LogRecorder) -> AttachmentSweep {
        let url = URL(fileURLWithPath: folder)
        return AttachmentSweep(
            store: store, folder: AttachmentFolder(url), owner: AttachmentOwner(url), clock: AdjustableClock(),
            logger: log.logger)
    }

    private static func path(_ token: String, in folder: String) -> String { "\(folder)/\(token.prefix(2))/\(token)" }

    private static func exists(_ token: String, in folder: String) -> Bool {
        FileManager.default.fileExists(atPath: path(token, in: folder))
    }

    private static func make(_ token: String, in folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(token.prefix(2))", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(filePath: path(token, in: folder)))
    }

    /// Has the store name the file.
    private static func claim(_ token: String, in store: any Store) async throws {
        _ = try await store.write { tx in
            try tx.run("INSERT INTO attachment_garbage (token) VALUES (\(token))")
        }
    }

    private func withFolder(_ engine: Engine, _ body: (String, any Store) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            try await withStore(engine, migrations: GatewayStore.migrations) { store in try await body(folder, store) }
        }
    }
}
