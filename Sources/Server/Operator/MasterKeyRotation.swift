import Delivery
import Gateway
import Secrets
import Storage

/// Encrypts every sealed value again that another key sealed, slice by slice, through the normal write path.
///
/// Each value names its key, so nothing is noted of how far it came: after a `kill -9`, and beside a second run, values that
/// are done are only looked at. A value is replaced only where it still is what was read. A run that was stopped for so long that
/// the next rotation has begun ends at its next transaction, and changes nothing in it.
struct MasterKeyRotation: Sendable {
    let store: any Store
    let keyring: Keyring
    let report: @Sendable (String) -> Void

    /// Rows in one transaction.
    private static let batch = 200

    /// Every table that holds sealed values.
    static let tables =
        [
            SealedTable(
                name: "endpoint", columns: ["signing_key", "previous_signing_key"], key: ["id"], others: ["user_id"]
            ) { EndpointQueries.keyPlace(try $0.get("id"), try $0.get("user_id")) },
            SealedTable(name: "endpoint", columns: ["headers"], key: ["id"], others: ["user_id"]) {
                EndpointQueries.headersPlace(try $0.get("id"), try $0.get("user_id"))
            },
            SealedTable(name: "endpoint", columns: ["client_key"], key: ["id"], others: ["user_id"]) {
                EndpointQueries.clientKeyPlace(try $0.get("id"), try $0.get("user_id"))
            },
        ] + Features.sealed

    /// Runs until a whole look finds nothing more, then has the store need the new key only.
    ///
    /// - Returns: How many values open with neither key.
    /// - Throws: `RotationError` when another rotation has begun meanwhile, and what the store throws.
    func run() async throws -> Int {
        while true {
            var (changed, unreadable) = (0, 0)
            for table in Self.tables {
                let found = try await rotate(table)
                changed += found.changed
                unreadable += found.unreadable
            }
            if changed > 0 { continue }
            try await forgetOther()
            return unreadable
        }
    }

    /// Has the store need the new key only.
    func forgetOther() async throws {
        try await store.write(.maintenance) { [self] tx in
            try checkTurn(in: tx)
            try keyring.forgetOther(in: tx)
        }
    }

    /// The store names each key before anything is sealed with it, so a later rotation shows there.
    private func checkTurn(in tx: any Transaction) throws {
        do {
            if try keyring.settled(activates: false, in: tx).identifier == keyring.identifier { return }
        } catch is WrongMasterKey {
            // It names a key that this run does not know: a later rotation's.
        }
        throw RotationError("another rotation of the master key has begun meanwhile: this run changes nothing more")
    }

    private func rotate(_ table: SealedTable) async throws -> (changed: Int, unreadable: Int) {
        var position: String?
        var (seen, changed, unreadable) = (0, 0, 0)
        while true {
            let after = position
            let slice = try await store.write(.maintenance) { [self] tx in
                try checkTurn(in: tx)
                return try table.rotate(after: after, limit: Self.batch, with: keyring, in: tx)
            }
            guard let last = slice.last else { return (changed, unreadable) }
            position = last
            seen += slice.rows
            changed += slice.changed
            unreadable += slice.unreadable
            report("\(table.name): \(seen) rows looked at, \(changed) values encrypted again")
        }
    }
}

extension SealedTable {
    /// What a slice came to.
    struct Slice: Sendable {
        /// Where the next one begins; nil when there was nothing left.
        var last: String?
        var rows = 0
        var changed = 0
        var unreadable = 0
    }

    /// Seals the values of at most `limit` rows behind `position` again that another key sealed.
    func rotate(
        after position: String?, limit: Int, with keyring: Keyring, in tx: any Transaction
    ) throws -> Slice {
        try slice(after: position, limit: limit, in: tx) { slice, row, place, column, sealed in
            if keyring.isCurrent(sealed) { return }
            // What does not open is an answer: it stays as it is.
            guard let text = try? keyring.open(sealed, at: place) else {
                slice.unreadable += 1
                return
            }
            slice.changed += try replace(sealed, in: column, of: row, by: keyring.seal(text, at: place), in: tx)
        }
    }

    /// Counts the values of at most `limit` rows behind `position` that no key of `keyring` opens.
    func look(
        after position: String?, limit: Int, with keyring: Keyring, in tx: any Transaction
    ) throws -> Slice {
        try slice(after: position, limit: limit, in: tx) { slice, _, place, _, sealed in
            // What does not open is what is counted.
            if (try? keyring.open(sealed, at: place)) == nil { slice.unreadable += 1 }
        }
    }

    /// Reads at most `limit` rows behind `position`, and has `body` look at each value that is sealed in them.
    private func slice(
        after position: String?, limit: Int, in tx: any Transaction,
        _ body: (_ slice: inout Slice, Row, Keyring.Place, _ column: String, _ sealed: [UInt8]) throws -> Void
    ) throws -> Slice {
        let table = MovedTable(name: name, columns: key + others + columns, key: key)
        let rows = try StoreMoveQueries.page(of: table, after: position, limit: limit, in: tx)
        var slice = Slice(last: try rows.last.map(table.position), rows: rows.count)
        for row in rows {
            let place = try place(row)
            for column in columns {
                guard let sealed: [UInt8] = try row.find(column) else { continue }
                try body(&slice, row, place, column, sealed)
            }
        }
        return slice
    }

    private func replace(
        _ old: [UInt8], in column: String, of row: Row, by new: [UInt8], in tx: any Transaction
    ) throws -> Int {
        let column = SQL(stringLiteral: column)
        var statement: SQL = "UPDATE \(SQL(stringLiteral: name)) SET \(column) = \(new) WHERE \(column) = \(old)"
        for part in key {
            statement = statement + "AND \(SQL(stringLiteral: part)) = \(try row.get(part, as: String.self))"
        }
        return try tx.run(statement)
    }
}
