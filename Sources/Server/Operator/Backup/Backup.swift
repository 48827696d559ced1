import Foundation
import Gateway
import Logging
import Secrets
import Storage
import Timestamps

/// Makes a backup of a store, beside the servers that run on it.
struct Backup: Sendable {
    let configuration: GatewayConfiguration
    /// Whether the master key is put beside what it opens.
    let withKey: Bool
    /// Told how far it is, in words.
    let report: @Sendable (String) -> Void

    /// Tokens of attachments in one look.
    private static let page = 500

    /// Fills a folder with the store, then with the attachments, so that every file is there that the store names.
    ///
    /// - Throws: ``BackupError``, `StorageError`.
    func fill(_ folder: BackupFolder) async throws -> BackupFolder.Manifest {
        var manifest = BackupFolder.Manifest(
            engine: configuration.postgresURL == nil ? "sqlite" : "postgresql", madeAt: SystemClock().now().rfc3339)
        if let url = configuration.postgresURL?.exposed {
            try await dump(url, to: folder)
        } else {
            try copy(to: folder)
        }
        try await copyAttachments(to: folder, &manifest)
        if withKey {
            try copyKey(to: folder)
            manifest.hasMasterKey = true
        }
        return manifest
    }

    private func copy(to folder: BackupFolder) throws {
        try StorePlace(configuration: configuration).check()
        let file = folder.file(BackupFolder.sqlite).path
        let tenths = Tenths()
        try SQLiteCopy.copy(from: configuration.databasePath, to: file) { pages, total in
            guard total > 0, tenths.isNew(Int64(pages).clampedMultiplying(by: 10) / Int64(total)) else { return }
            report("store: \(pages) of \(total) pages")
        }
        report("store: checking the copy")
        try SQLiteCopy.check(file)
    }

    private func dump(_ url: String, to folder: BackupFolder) async throws {
        // Refuses what is no whole store.
        try await GatewayStore.openUnmigrated(configuration, logger: Logger(label: "httpsms")).close()
        let tools = PostgresTools(url: url)
        let file = folder.file(BackupFolder.postgres)
        report("store: pg_dump")
        // pg_dump keeps the mode of a file that is there.
        try DurableFile.create(file, holding: Data())
        try await tools.dump(schema: try await Self.schema(of: url, configuration), to: file)
        report("store: checking the copy")
        try await tools.check(file)
    }

    /// The schema that the tables are in.
    static func schema(of url: String, _ configuration: GatewayConfiguration) async throws -> String {
        let store = try await PostgresStore.open(url: url, connections: 1, pooler: configuration.pooler)
        return try await Commands.closing(store) {
            guard
                let schema = try await store.read({ try $0.value("SELECT current_schema() AS value", as: String.self) })
            else { throw BackupError("the URL names no schema that exists") }
            return schema
        }
    }

    /// Copies each file that a row names, unless the database has it.
    private func copyAttachments(to folder: BackupFolder, _ manifest: inout BackupFolder.Manifest) async throws {
        guard let path = configuration.filesFolder else { return }
        let source = AttachmentFolder(URL(filePath: path))
        let store = try await GatewayStore.openUnmigrated(configuration, logger: Logger(label: "httpsms"))
        try await Commands.closing(store) {
            var last = ""
            while true {
                let after = last
                let (tokens, kept) = try await store.read(.maintenance) { tx in
                    let tokens = try AttachmentQueries.tokens(after: after, limit: Self.page, in: tx)
                    return (tokens, try AttachmentQueries.inDatabase(among: tokens, in: tx))
                }
                guard let end = tokens.last else { return }
                for token in tokens where !kept.contains(token) && token.wholeMatch(of: /[0-9a-f]{32}/) != nil {
                    guard let data = try await source.read(token) else {
                        manifest.missingAttachments += 1
                        continue
                    }
                    let parent = folder.file(BackupFolder.attachments).appending(path: String(token.prefix(2)))
                    try FileManager.default.createDirectory(
                        at: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
                    try DurableFile.create(parent.appending(path: token), holding: data)
                    manifest.attachments += 1
                }
                last = end
                report("attachments: \(manifest.attachments)")
            }
        }
    }

    private func copyKey(to folder: BackupFolder) throws {
        let file = folder.file(BackupFolder.key)
        if let key = configuration.masterKey?.exposed {
            return try DurableFile.create(file, holding: Data((Data(key).base64EncodedString() + "\n").utf8))
        }
        let path = MasterKeyFile(databasePath: configuration.databasePath).path
        guard FileManager.default.fileExists(atPath: path) else {
            throw BackupError("there is no \(path) to put into the backup: leave --with-key out")
        }
        try DurableFile.copy(URL(filePath: path), to: file)
    }
}
