import Foundation
import Gateway

extension Commands {
    /// Makes a backup of the store in a new folder, beside the servers that run on it.
    ///
    /// - Parameters:
    ///   - flags: Flags by the variable they stand for.
    ///   - folder: Where it is made; there must be nothing.
    ///   - withKey: Whether the master key is put into it.
    ///   - allowsMissing: Whether all is well when files of attachments are missing, as those that are lost for good.
    ///   - report: Told how far it is, in words.
    /// - Returns: What to tell the operator, in lines.
    /// - Throws: What stands in the way, in words for the operator; no folder is left then. When files of attachments are missing
    ///   and may not be, the folder is made all the same: it holds what there is.
    package static func backup(
        flags: [String: String?], to folder: String, withKey: Bool, allowsMissing: Bool = false,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> [String] {
        let configuration = try configure(flags)
        let backup = Backup(configuration: configuration, withKey: withKey, report: report)
        let target = BackupFolder(folder)
        for draft in target.drafts() {
            report("\(draft) is of a backup that was ended, or that runs now: delete it if none runs")
        }
        let manifest = try await inWords { try await target.fill { try await backup.fill($0) } }
        if manifest.missingAttachments > 0, !allowsMissing {
            throw BackupError(
                """
                \(folder) is not whole: \(manifest.missingAttachments) of \
                \(manifest.missingAttachments + manifest.attachments) attachments have no file in \
                \(configuration.filesFolder ?? "the folder"). Is its disk mounted? If they are lost for good, say \
                --allow-missing-files
                """)
        }
        return ["\(folder) is a backup of \(configuration.storeName); it was read again whole."]
            + attachments(manifest)
            + [
                withKey
                    ? "It holds the master key: whoever can read it can read every key of every account."
                    : "The master key is not in it: keep \(keyName(configuration)) in another place."
            ]
    }

    /// Compares a backup with its checksums, and says what it is.
    ///
    /// - Throws: What is wrong with it, in words for the operator.
    package static func verifyBackup(_ folder: String) throws -> [String] {
        let manifest = try BackupFolder(folder).verify()
        let key = manifest.hasMasterKey ? "included" : "kept apart"
        return [
            """
            \(folder) is whole: \(manifest.engine), made \(manifest.madeAt) by httpsms \(manifest.version), master key \(key).
            """
        ] + attachments(manifest)
    }

    /// Verifies a backup and puts it where no store is yet.
    ///
    /// - Parameters:
    ///   - flags: Flags by the variable they stand for.
    ///   - folder: The backup.
    ///   - report: Told how far it is, in words.
    /// - Returns: What to tell the operator, in lines.
    /// - Throws: What stands in the way, in words for the operator.
    package static func restore(
        flags: [String: String?], from folder: String, report: @escaping @Sendable (String) -> Void
    ) async throws -> [String] {
        let configuration = try configure(flags)
        let source = BackupFolder(folder)
        report("backup: comparing every file with its checksum")
        let manifest = try source.verify()
        try await inWords { try await Restore(configuration: configuration, report: report).run(source, manifest) }
        return [
            "Restored \(configuration.storeName) as it was at \(manifest.madeAt); every delivery is accounted for.",
            "What was pending then is sent when a server starts, also what was delivered since.",
        ]
    }

    /// Says what files cannot be read or written without Foundation's own words for it.
    private static func inWords<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as CocoaError {
            let reason = (error.underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
            throw BackupError("\(error.filePath ?? "a file"): \(reason ?? error.localizedDescription)")
        }
    }

    private static func attachments(_ manifest: BackupFolder.Manifest) -> [String] {
        var lines: [String] = []
        if manifest.attachments > 0 { lines.append("\(manifest.attachments) files of attachments are in it.") }
        if manifest.missingAttachments > 0 {
            lines.append("\(manifest.missingAttachments) attachments have no file in the folder and were left out.")
        }
        return lines
    }

    private static func keyName(_ configuration: GatewayConfiguration) -> String {
        configuration.masterKey == nil
            ? MasterKeyFile(databasePath: configuration.databasePath).path : "MASTER_KEY"
    }
}
