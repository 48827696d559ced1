import Delivery
import Foundation
import Gateway
import Logging
import Storage
import Timestamps

extension Commands {
    /// How far a copy came.
    package struct MoveProgress: Sendable {
        /// Rows of all tables.
        package let total: Int
        /// The table that is being copied.
        package private(set) var table = ""
        /// Its rows.
        package private(set) var tableTotal = 0
        /// Those that are in the target.
        package private(set) var tableCopied = 0
        /// Rows of all tables that are in the target.
        package private(set) var copied = 0
        /// Whether the table is done.
        package private(set) var isTableFinished = false
        /// What is left at the pace so far; nil while there is none.
        package var timeLeft: Duration? {
            guard fresh > 0 else { return nil }
            return (ContinuousClock.now - start) * (Double(max(0, total - copied)) / Double(fresh))
        }

        private var fresh = 0
        private let start = ContinuousClock.now

        init(total: Int) {
            self.total = total
        }

        mutating func start(_ table: String, of total: Int) {
            (self.table, tableTotal, tableCopied, isTableFinished) = (table, total, 0, false)
        }

        /// Counts rows; `isNew` for those of this run.
        mutating func copied(_ count: Int, isNew: Bool) {
            tableCopied += count
            copied += count
            if isNew { fresh += count }
        }

        func finished() -> MoveProgress {
            var finished = self
            finished.isTableFinished = true
            return finished
        }
    }

    /// Copies the store at `from` to `to`, and says what to do next.
    ///
    /// - Parameters:
    ///   - flags: Flags by the variable they stand for.
    ///   - from: `sqlite:<path>`; no server may use it.
    ///   - to: `postgres://...`: empty, or what an earlier run left.
    ///   - report: Called after each batch.
    /// - Returns: The lines.
    /// - Throws: What stands in the way, in words for the operator.
    package static func move(
        flags: [String: String?], from: String, to: String, report: @escaping @Sendable (MoveProgress) -> Void
    ) async throws -> [String] {
        guard from.hasPrefix("sqlite:"), to.hasPrefix("postgres://") || to.hasPrefix("postgresql://") else {
            throw MoveError("a store is copied from sqlite:<path> to postgres://..., and in no other direction")
        }
        let configuration = try configure(flags.merging(["DATABASE_URL": from]) { $1 })
        let path = configuration.databasePath
        guard FileManager.default.fileExists(atPath: path) else { throw MoveError("there is no \(path)") }
        let lock = try ServerLock(database: path)
        defer { lock.release() }
        let logger = Logger(label: "httpsms")
        // Also looks whether the master key is that of the store.
        let source = try await GatewayStore.open(
            configuration, lock: lock, clock: SystemClock(), logger: logger)
        return try await closing(source.store) {
            let target = try await PostgresStore.open(url: to, connections: 2, pooler: configuration.pooler)
            return try await closing(target) {
                let isFolderKept = configuration.attachmentsFolder != nil
                let folder = configuration.filesFolder ?? ""
                let move = StoreMove(
                    source: source.store, target: target, sourceName: URL(filePath: path).standardizedFileURL.path,
                    attachments: isFolderKept ? nil : AttachmentFolder(URL(filePath: folder)), report: report)
                let result = try await move.run()
                return next(result, configuration, folder: isFolderKept ? folder : nil)
            }
        }
    }

    private static func next(
        _ result: (rows: Int, missingFiles: Int), _ configuration: GatewayConfiguration, folder: String?
    ) -> [String] {
        let key =
            configuration.masterKey == nil
            ? "what \(MasterKeyFile(databasePath: configuration.databasePath).path) holds" : "the same as here"
        var lines = ["Copied and compared \(result.rows) rows; every delivery is accounted for."]
        if result.missingFiles > 0 {
            lines.append("\(result.missingFiles) attachments have no file in the folder and were left out.")
        }
        lines += [
            "Start each node with:", "  DATABASE_URL        the URL of the target",
            "  MASTER_KEY          \(key)",
            "  ATTACHMENTS_FOLDER  \(folder.map { "\($0), which all nodes share" } ?? "not set: the files are in the database")",
            "Do not start a server on \(configuration.databasePath) again: it would send what is pending there once more.",
        ]
        return lines
    }

    static func closing<T>(_ store: any Store, _ body: () async throws -> T) async throws -> T {
        do {
            let value = try await body()
            try await store.close()
            return value
        } catch {
            try? await store.close()  // The first error is the one to report.
            throw error
        }
    }
}
