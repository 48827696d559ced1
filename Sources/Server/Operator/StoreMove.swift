import Delivery
import Foundation
import Gateway
import Logging
import Storage
import Timestamps

/// Copies a store from SQLite into an empty PostgreSQL, table by table in the order of their keys.
///
/// How far it came is kept in the target, in the transaction of each batch, so that it goes on after any end. Until it is
/// whole the target is marked, and no server starts on it.
struct StoreMove: Sendable {
    let source: any Store
    let target: any Store
    /// What the target is marked with: only the same source may go on.
    let sourceName: String
    /// Where files are that are to be copied into the target; nil leaves them where they are.
    let attachments: AttachmentFolder?
    let report: @Sendable (Commands.MoveProgress) -> Void

    /// Rows in one transaction and one round trip.
    private static let batch = 500
    /// Files in one transaction: 15 MiB at most.
    private static let fileBatch = 10
    private static let contents = "attachment_content"
    private static let files = "attachment files"

    /// Copies what is missing, compares every row, and takes the mark away.
    ///
    /// - Returns: How many rows there are, and how many attachments have no file.
    /// - Throws: ``MoveError``, `StorageError`.
    func run() async throws -> (rows: Int, missingFiles: Int) {
        try await mark()
        _ = try await target.migrate(GatewayStore.migrations)
        let tables = try await source.read { try StoreMoveQueries.tables(in: $0) }
        let others = try await target.read { try StoreMoveQueries.tables(in: $0) }
        guard tables.map(\.name) == others.map(\.name) else {
            throw MoveError("the target has other tables than the source: use the same version of httpsms for both")
        }
        // Not a read: those end after 5 s, and a large table takes longer.
        let counts = try await source.write(.maintenance) { tx in
            try tables.map { try StoreMoveQueries.count($0, in: tx) }
        }
        var progress = Commands.MoveProgress(total: counts.reduce(0, +))
        for (table, count) in zip(tables, counts) {
            progress.start(table.name, of: count)
            try await copy(table, &progress)
            report(progress.finished())
        }
        let missing = try await copyFiles(of: tables)
        for table in tables where table.name != Self.contents { try await compare(table) }
        try await audit()
        try await target.write(.maintenance) { tx in
            // What nodes on PostgreSQL do by and by nobody does later where writes are one at a time.
            if tx.isSerial {
                try EndpointSlots.foldAll(in: tx)
                try EventNumbering.keepHead(in: tx)
            }
            try StoreMoveQueries.finish(in: tx)
        }
        return (progress.total, missing)
    }

    private func mark() async throws {
        let name = sourceName
        try await target.write(.maintenance) { tx in
            if try StoreMoveQueries.isUnfinished(in: tx) {
                let source = try StoreMoveQueries.source(in: tx)
                guard source == name else {
                    throw MoveError(
                        "the target is the unfinished copy of \(source ?? "another store"): use an empty database")
                }
            } else if try !StoreMoveQueries.tables(in: tx).isEmpty {
                throw MoveError(
                    """
                    the target is not empty: create a database for it, or another schema (CREATE SCHEMA sms) that \
                    options=-csearch_path%3Dsms in the URL names
                    """)
            } else {
                try StoreMoveQueries.begin(source: name, in: tx)
            }
        }
    }

    private func copy(_ table: MovedTable, _ progress: inout Commands.MoveProgress) async throws {
        let known = try await target.write(.maintenance) { tx in
            let known = try StoreMoveQueries.progress(table.name, in: tx)
            if known == nil { try StoreMoveQueries.start(table, in: tx) }
            return known
        }
        var position = known?.position
        progress.copied(known?.copied ?? 0, isNew: false)
        while true {
            let after = position
            let rows = try await source.read { tx in
                try StoreMoveQueries.page(of: table, after: after, limit: Self.batch, in: tx)
            }
            guard let last = rows.last else { return }
            let next = try table.position(of: last)
            try await target.write(.maintenance) { tx in
                try StoreMoveQueries.insert(rows, into: table, in: tx)
                try StoreMoveQueries.advance(table.name, to: next, by: rows.count, in: tx)
            }
            position = next
            progress.copied(rows.count, isNew: true)
            report(progress)
        }
    }

    /// Copies the files that rows name; returns how many are not there.
    private func copyFiles(of tables: [MovedTable]) async throws -> Int {
        guard let attachments, let table = tables.first(where: { $0.name == "attachment" }) else { return 0 }
        var missing = 0
        var position: String?
        while true {
            let after = position
            let rows = try await source.read { tx in
                try StoreMoveQueries.page(of: table, after: after, limit: Self.fileBatch, in: tx)
            }
            guard let last = rows.last else { return missing }
            position = try table.position(of: last)
            let tokens = try rows.map { try $0.get("token", as: String.self) }
            let known = try await target.read { try AttachmentQueries.inDatabase(among: tokens, in: $0) }
            var files: [(token: String, data: Data)] = []
            for token in tokens where !known.contains(token) {
                guard let data = try await attachments.read(token) else {
                    missing += 1
                    continue
                }
                files.append((token, data))
            }
            let copied = files
            try await target.write(.maintenance) { tx in
                for file in copied { try AttachmentQueries.insertContent(file.data, token: file.token, in: tx) }
            }
        }
    }

    /// Reads both sides page by page: every row must be there with every value, and no other.
    private func compare(_ table: MovedTable) async throws {
        var position: String?
        while true {
            let after = position
            async let ours = source.read { tx in
                try StoreMoveQueries.page(of: table, after: after, limit: Self.batch, in: tx)
            }
            async let theirs = target.read { tx in
                try StoreMoveQueries.page(of: table, after: after, limit: Self.batch, in: tx)
            }
            let (left, right) = try await (ours, theirs)
            guard try values(left, table) == values(right, table) else {
                throw MoveError(
                    """
                    the rows of \(table.name) differ: the source was changed while it was copied. Drop the target's \
                    tables and start again
                    """)
            }
            guard let last = left.last else { return }
            position = try table.position(of: last)
        }
    }

    private func values(_ rows: [Row], _ table: MovedTable) throws -> [[SQLValue]] {
        try rows.map { row in try table.columns.map { try row.find($0, as: SQLValue.self) ?? .null } }
    }

    private func audit() async throws {
        for (store, name) in [(source, "source"), (target, "target")] {
            let found = try await AuditWalk(store).run().mismatches
            guard let first = found.first else { continue }
            throw MoveError("the audit of the \(name) finds \(found.count) differences, the first: \(first)")
        }
    }
}

/// Why a store was not copied.
struct MoveError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
