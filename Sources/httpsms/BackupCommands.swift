import ArgumentParser
import Server

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the store and the attachments into a new folder while the server runs, and verify the copy.",
        discussion: """
            The folder appears when the backup is complete; `sha256sum --check SHA256SUMS` checks it without httpsms. \
            The master key is left out: anyone who has both can read every account's keys. With PostgreSQL, pg_dump \
            and pg_restore are needed.

            Examples:
              httpsms backup /backup/monday
              httpsms backup /media/safe/httpsms --with-key
            """)

    @Argument(help: "The folder to create.")
    var folder: String

    @Flag(help: "Include the master key.")
    var withKey = false

    @Flag(help: "Succeed although files of attachments are missing, as those that are lost for good.")
    var allowMissingFiles = false

    @OptionGroup var store: StoreOptions

    func run() async throws {
        let lines = try await Commands.backup(
            flags: store.flags, to: folder, withKey: withKey, allowsMissing: allowMissingFiles,
            report: { Terminal.note($0) })
        for line in lines { Terminal.line(line) }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore a backup where no store exists, after comparing every file with its checksum.",
        discussion: """
            With SQLite, no database may be at the place of DATABASE_URL; with PostgreSQL, the database must be empty. \
            The folder of attachments must be empty too. If it is interrupted, run it again. \
            Unless the backup includes the master key, put the key file in its place first, or set MASTER_KEY.

            Examples:
              httpsms restore /backup/monday
              httpsms restore /backup/monday --check
            """)

    @Argument(help: "The folder of the backup.")
    var folder: String

    @Flag(help: "Only check whether the backup is complete.")
    var check = false

    @OptionGroup var store: StoreOptions

    func run() async throws {
        let lines =
            check
            ? try Commands.verifyBackup(folder)
            : try await Commands.restore(flags: store.flags, from: folder, report: { Terminal.note($0) })
        for line in lines { Terminal.line(line) }
    }
}
