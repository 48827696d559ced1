import Foundation
import Gateway
import Logging
import Secrets
import Storage
import Timestamps

/// Puts a backup where no store is yet.
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
        if let url = configuration.postgresURL?.exposed {
            try await load(url, from: folder)
        } else {
            try place(folder, manifest)
        }
        try copyAttachments(from: folder)
        report("store: comparing every delivery with the counters")
        try await audit()
    }

    /// Puts the key first and the database last, which appears whole.
    private func place(_ folder: BackupFolder, _ manifest: BackupFolder.Manifest) throws {
        let path = configuration.databasePath
        let files = FileManager.default
        for other in ["", "-wal", "-shm"] where files.fileExists(atPath: path + other) {
            throw BackupError("\(path)\(other) is in the way: stop the server and move its store away")
        }
        let target = URL(filePath: path)
        try files.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let lock = try ServerLock(database: path)
        defer { lock.release() }
        try placeKey(folder, manifest)
        let draft = URL(filePath: path + ".restoring")
        try? files.removeItem(at: draft)
        // What could not be copied whole takes no room; once it has its name there is none to remove.
        defer { try? files.removeItem(at: draft) }
        report("store: copying")
        try files.copyItem(at: folder.file(BackupFolder.sqlite), to: draft)
        try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: draft.path)
        try DurableFile.synchronize(draft)
        try files.moveItem(at: draft, to: target)
        try DurableFile.synchronize(target.deletingLastPathComponent())
    }

    private func placeKey(_ folder: BackupFolder, _ manifest: BackupFolder.Manifest) throws {
        let path = MasterKeyFile(databasePath: configuration.databasePath).path
        if configuration.masterKey != nil || FileManager.default.fileExists(atPath: path) { return }
        guard manifest.hasMasterKey else {
            throw BackupError(
                "the master key is not in the backup: put its file at \(path), or set MASTER_KEY, and run this again")
        }
        let target = URL(filePath: path)
        try FileManager.default.copyItem(at: folder.file(BackupFolder.key), to: target)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try DurableFile.synchronize(target)
    }

    private func load(_ url: String, from folder: BackupFolder) async throws {
        let store = try await PostgresStore.open(url: url, connections: 1, pooler: configuration.pooler)
        try await Commands.closing(store) {
            guard try await store.read({ try StoreMoveQueries.tables(in: $0) }).isEmpty else {
                throw BackupError("the database is not empty: create one for it (createdb httpsms)")
            }
        }
        report("store: pg_restore")
        try await PostgresTools(url: url).restore(
            schema: try await Backup.schema(of: url, configuration), from: folder.file(BackupFolder.postgres))
    }

    private func copyAttachments(from folder: BackupFolder) throws {
        let source = folder.file(BackupFolder.attachments)
        let files = FileManager.default
        guard files.fileExists(atPath: source.path) else { return }
        guard let path = configuration.filesFolder else {
            throw BackupError(
                "the backup has attachments: set ATTACHMENTS_FOLDER, and run this again on an empty database")
        }
        for name in try files.subpathsOfDirectory(atPath: source.path)
        where name.wholeMatch(of: /[0-9a-f]{2}\/[0-9a-f]{32}/) != nil {
            let target = URL(filePath: path).appending(path: name)
            if files.fileExists(atPath: target.path) { continue }
            try files.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try files.copyItem(at: source.appending(path: name), to: target)
        }
    }

    private func audit() async throws {
        let opened = try await GatewayStore.open(
            configuration, clock: SystemClock(), logger: Logger(label: "httpsms"))
        try await Commands.closing(opened.store) {
            let findings = try await DeliveryAudit(repairs: false, progress: report).findings(in: opened.store)
            if let problem = findings.first(where: \.isProblem) {
                throw BackupError("the store is restored, but \(problem): see `httpsms doctor --audit`")
            }
        }
    }
}
