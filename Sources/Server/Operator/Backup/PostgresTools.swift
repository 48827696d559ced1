import Foundation
import NIOPosix
import Storage

/// PostgreSQL's own `pg_dump` and `pg_restore`, which know their file formats better than anybody.
struct PostgresTools: Sendable {
    /// The URL of the database.
    let url: String

    /// Writes the tables of a schema, as one moment shows them, to a file.
    ///
    /// - Throws: ``BackupError`` with what pg_dump says.
    func dump(schema: String, to file: URL) async throws {
        try await run(
            "pg_dump",
            [
                "--format=custom", "--no-owner", "--no-privileges", "--lock-wait-timeout=60s", "--schema=\(schema)",
                "--file=\(file.path)",
            ])
    }

    /// Reads a dump to its end.
    ///
    /// - Throws: ``BackupError`` with what pg_restore says.
    func check(_ file: URL) async throws {
        try await run("pg_restore", ["--file=/dev/null", file.path])
    }

    /// Loads a dump, whole or not at all.
    ///
    /// - Throws: ``BackupError`` with what pg_restore says.
    func restore(schema: String, from file: URL) async throws {
        let database = try PostgresEnvironment.variables(of: url)["PGDATABASE"] ?? "postgres"
        try await run(
            "pg_restore",
            [
                "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "--schema=\(schema)",
                "--dbname=\(database)", file.path,
            ])
    }

    /// The URL stands in variables: a command line can be read by everybody on the machine.
    private func run(_ program: String, _ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ["PGCONNECT_TIMEOUT": "10"].merging(ProcessInfo.processInfo.environment) { $1 }
            .merging(try PostgresEnvironment.variables(of: url)) { $1 }
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        do { try process.run() } catch { throw BackupError("\(program) cannot be started: \(error)") }
        // What it says ends when it does.
        let words = try await NIOThreadPool.singleton.runIfActive {
            let said = try errors.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return String(decoding: said.prefix(2_000), as: UTF8.self)
        }
        switch process.terminationStatus {
        case 0: return
        case 127: throw BackupError("\(program) is not installed: on Debian, apt-get install postgresql-client")
        default: throw BackupError("\(program) ended with \(process.terminationStatus): \(words)")
        }
    }
}
