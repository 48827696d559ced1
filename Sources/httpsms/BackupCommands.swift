import ArgumentParser
import Server

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the store and the attachments into a new folder, beside the server, and read the copy again.",
        discussion: """
            The folder appears when it is whole; `sha256sum --check SHA256SUMS` looks at it without httpsms. The master key is
            left out: who has both can read every account's keys. PostgreSQL's needs pg_dump and pg_restore.

            Examples:
              httpsms backup /backup/monday
              httpsms backup /media/safe/httpsms --with-key
            """)

    @Argument(help: "The folder to make.")
    var folder: String

    @Flag(help: "Put the master key into it.")
    var withKey = false

    @OptionGroup var store: StoreOptions

    func run() async throws {
        let lines = try await Commands.backup(
            flags: store.flags, to: folder, withKey: withKey, report: { Terminal.note($0) })
        for line in lines { Terminal.line(line) }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup where no store is yet, after comparing every file with its checksum.",
        discussion: """
            SQLite's needs a place without a database, PostgreSQL's an empty database. Put the key file beside the database
            before, or set MASTER_KEY, unless the backup has the key.

            Examples:
              httpsms restore /backup/monday
              httpsms restore /backup/monday --check
            """)

    @Argument(help: "The folder of the backup.")
    var folder: String

    @Flag(help: "Only look whether the backup is whole.")
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
