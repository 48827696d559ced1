import Delivery
import Gateway
import Storage
import Timestamps

/// The state of the store, for who keeps the server alive.
struct SystemState: Sendable {
    let now: Timestamp
    let databaseVersion: String
    /// Bytes.
    let databaseSize: Int64
    let accounts: Int64
    /// Newest first.
    let nodes: [NodeQueries.Node]
    /// Every endpoint's account, of all users.
    let audit: [Audit.Account]
    /// When the delivery was due that waits for longest; nil when none is overdue.
    let oldestDue: Timestamp?
    /// How many steps of migrations were taken.
    let migrations: Int64
    let phones: PhoneTransports
}

enum SystemQueries {
    /// Counts open deliveries, as `/metrics` does; run it on a reader.
    static func state(in tx: any Transaction) throws -> SystemState {
        SystemState(
            now: tx.now, databaseVersion: try tx.value("SELECT \(.databaseVersion) AS value") ?? "unknown",
            databaseSize: try tx.value("SELECT \(.databaseSize) AS value") ?? 0,
            accounts: try tx.value("SELECT COUNT(*) AS value FROM users") ?? 0,
            nodes: try NodeQueries.all(in: tx).reversed(), audit: try Audit.accounts(in: tx),
            oldestDue: try DeliveryQueries.oldestDue(in: tx),
            migrations: try tx.value("SELECT COUNT(*) AS value FROM schema_migration") ?? 0,
            phones: try PhoneTransports(in: tx))
    }
}
