import Foundation
import Gateway
import Logging
import Secrets
import Storage
import Timestamps

/// Puts a backup where no store is yet.
///
/// | step | ended there, |
/// |---|---|
/// | look whether everything has its place | nothing was changed |
/// | mark the store as unfinished, with the id that it gets | no server starts; `restore` starts over, with that id |
/// | write the id into the folder of attachments, and copy them | the same |
/// | place the database | the same; on PostgreSQL, which takes all tables or none, `restore` goes on |
/// | give the store the id, count its deliveries | the same |
/// | take the mark away | the store is restored |
struct Restore: Sendable {
    let configuration: GatewayConfiguration
    /// Told how far it is, in words.
    let report: @Sendable (String) -> Void

    /// Restores a backup that was verified, opens the store with its master key, and counts its deliveries.
    ///
    /// - Throws: ``BackupError`` when the backup is of the other engine or something is in the way; `StorageError`,
    ///   `WrongMasterKey`, `MasterKeyFileError`.
    func run(_ folder: BackupFolder, _ manifest: BackupFolder.Manifest) async throws {
        let isPostgres = configuration.postgresURL != nil
        guard manifest.engine == (isPostgres ? "postgresql" : "sqlite") else {
            throw BackupError(
                isPostgres
                    ? "the backup is of SQLite: restore it to a file, then copy it with `httpsms migrate --from --to`"
                    : "the backup is of PostgreSQL: give DATABASE_URL the URL of an empty database")
        }
        if configuration.filesFolder == nil,
            FileManager.default.fileExists(atPath: folder.file(BackupFolder.attachments).path)
        {
            throw BackupError("the backup has attachments: set ATTACHMENTS_FOLDER, and run this again")
        }
        if let url = configuration.postgresURL?.exposed {
            try await load(url, from: folder, manifest)
        } else {
            try await place(folder, manifest)
        }
    }

    /// Holds the lock of the server to the end.
    private func place(_ folder: BackupFolder, _ manifest: BackupFolder.Manifest) async throws {
        let path = configuration.databasePath
        let files = FileManager.default
        let target = URL(filePath: path)
        try files.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let lock = try ServerLock(database: path)
        defer { lock.release() }
        let marker = StorePlace(configuration: configuration).marker
        let unfinished = try marker.id()
        if unfinished == nil {
            for other in ["", "-wal", "-shm"] where files.fileExists(atPath: path + other) {
                throw BackupError("\(path)\(other) is in the way: stop the server and move its store away")
            }
        }
        let id = unfinished ?? StoreIDFile.draw()
        try checkFolder(id)
        try placeKey(folder, manifest)
        try marker.write(id)
        let draft = URL(filePath: path + ".restoring-copy")
        // What an interrupted run left. Nobody has opened it, as the marker was there.
        for rest in [path, path + "-wal", path + "-shm", draft.path] where files.fileExists(atPath: rest) {
            try files.removeItem(atPath: rest)
        }
        // What could not be copied whole takes no room; once it has its name there is none to remove.
        defer { try? files.removeItem(at: draft) }
        try copyAttachments(from: folder, manifest, id)
        report("store: copying")
        try DurableFile.copy(folder.file(BackupFolder.sqlite), to: draft)
        try files.moveItem(at: draft, to: target)
        try DurableFile.synchronize(target.deletingLastPathComponent())
        let problem = try await finish(id)
        try files.removeItem(atPath: marker.path)
        try DurableFile.synchronize(target.deletingLastPathComponent())
        try tell(problem)
    }

    private func load(_ url: String, from folder: BackupFolder, _ manifest: BackupFolder.Manifest) async throws {
        let source = "\(StoreMoveQueries.backupPrefix)\(folder.url.standardizedFileURL.path) of \(manifest.madeAt)"
        let store = try await PostgresStore.open(url: url, connections: 1, pooler: configuration.pooler)
        let (id, isLoaded) = try await Commands.closing(store) { try await mark(store, source: source) }
        try copyAttachments(from: folder, manifest, id)
        if !isLoaded {
            report("store: pg_restore")
            try await PostgresTools(url: url).restore(
                schema: try await Backup.schema(of: url, configuration), from: folder.file(BackupFolder.postgres))
        }
        try tell(try await finish(id))
    }

    /// Marks an empty database as the unfinished copy of a backup, or finds the mark.
    ///
    /// - Returns: The id that the store gets, and whether its tables are there.
    private func mark(_ store: any Store, source: String) async throws -> (id: String, isLoaded: Bool) {
        let (known, isEmpty) = try await store.read(.maintenance) { tx -> (String?, Bool) in
            let isUnfinished = try StoreMoveQueries.isUnfinished(in: tx)
            return (
                isUnfinished ? try StoreMoveQueries.source(in: tx) ?? "" : nil,
                try StoreMoveQueries.tables(in: tx).isEmpty
            )
        }
        if let known {
            guard known.hasPrefix(source + " "), let id = known.split(separator: " ").last.map(String.init) else {
                throw BackupError("the database is the unfinished copy of \(known): create another one")
            }
            try checkFolder(id)
            return (id, !isEmpty)
        }
        guard isEmpty else {
            throw BackupError("the database is not empty: create one for it (createdb httpsms)")
        }
        let id = StoreIDFile.draw()
        try checkFolder(id)
        try await store.write(.maintenance) { tx in
            try StoreMoveQueries.begin(source: "\(source) \(id)", in: tx)
        }
        return (id, false)
    }

    /// Makes sure that no other store has files where those of the backup go.
    private func checkFolder(_ id: String) throws {
        guard let path = configuration.filesFolder else { return }
        let owner = AttachmentOwner(URL(fileURLWithPath: path))
        let known = try owner.file.id()
        if known == id { return }
        guard known == nil, try !owner.hasFiles() else {
            throw BackupError(
                """
                \(path) holds the files of another store: set ATTACHMENTS_FOLDER to another folder, or stop that store's \
                server and move the folder away
                """)
        }
    }

    private func placeKey(_ folder: BackupFolder, _ manifest: BackupFolder.Manifest) throws {
        let path = MasterKeyFile(databasePath: configuration.databasePath).path
        let files = FileManager.default
        if configuration.masterKey != nil || files.fileExists(atPath: path) { return }
        guard manifest.hasMasterKey else {
            throw BackupError(
                "the master key is not in the backup: put its file at \(path), or set MASTER_KEY, and run this again")
        }
        let (draft, target) = (URL(filePath: path + ".restoring"), URL(filePath: path))
        // What an interrupted run left.
        try? files.removeItem(at: draft)
        try DurableFile.copy(folder.file(BackupFolder.key), to: draft)
        try files.moveItem(at: draft, to: target)
        try DurableFile.synchronize(target.deletingLastPathComponent())
    }

    /// Copies the files, which are on the disk when this returns.
    private func copyAttachments(from folder: BackupFolder, _ manifest: BackupFolder.Manifest, _ id: String) throws {
        let source = folder.file(BackupFolder.attachments)
        let files = FileManager.default
        let hasFiles = files.fileExists(atPath: source.path)
        guard hasFiles || manifest.missingAttachments > 0, let path = configuration.filesFolder else { return }
        let root = URL(filePath: path)
        // Also where all files were missing: otherwise the server would wait for them.
        try AttachmentOwner(root).file.write(id)
        guard hasFiles else { return }
        report("attachments: copying")
        var folders: Set<URL> = [root, root.deletingLastPathComponent()]
        for name in try files.subpathsOfDirectory(atPath: source.path)
        where name.wholeMatch(of: /[0-9a-f]{2}\/[0-9a-f]{32}/) != nil {
            let target = root.appending(path: name)
            let parent = target.deletingLastPathComponent()
            try files.createDirectory(
                at: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            // An interrupted run may have left half of it.
            try? files.removeItem(at: target)
            try DurableFile.copy(source.appending(path: name), to: target)
            folders.insert(parent)
        }
        for folder in folders { try DurableFile.synchronize(folder) }
    }

    /// Gives the store its id, counts its deliveries, and takes the mark of PostgreSQL away.
    ///
    /// - Returns: What does not add up.
    private func finish(_ id: String) async throws -> Finding? {
        report("store: comparing every delivery with the counters")
        let opened = try await GatewayStore.open(
            configuration, restores: true, clock: SystemClock(), logger: Logger(label: "httpsms"))
        return try await Commands.closing(opened.store) {
            let findings = try await DeliveryAudit(repairs: false, progress: report).findings(in: opened.store)
            try await opened.store.write(.maintenance) { tx in
                try AttachmentQueries.replaceStoreID(by: id, in: tx)
                if try StoreMoveQueries.isUnfinished(in: tx) { try StoreMoveQueries.finish(in: tx) }
            }
            return findings.first(where: \.isProblem)
        }
    }

    private func tell(_ problem: Finding?) throws {
        guard let problem else { return }
        throw BackupError("the store is restored, but \(problem): see `httpsms doctor --audit`")
    }
}
