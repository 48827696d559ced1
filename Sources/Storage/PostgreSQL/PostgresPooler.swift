/// What stands between this program and PostgreSQL.
package enum PostgresPooler: String, Sendable, CaseIterable {
    /// Nothing, or a pooler that gives each client a connection of its own (pgbouncer in session mode).
    case none
    /// A pooler that may give each transaction another connection (pgbouncer in transaction mode): nothing is kept on one
    /// beyond a transaction, so statements are not prepared.
    case transaction
}
