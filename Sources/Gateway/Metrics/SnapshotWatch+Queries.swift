import Storage
import Timestamps

extension SnapshotWatch {
    /// For how long the oldest transaction is open that the role may see; zero on SQLite.
    package static func oldest(in tx: any Transaction) throws -> Duration {
        .microseconds(try tx.value("SELECT \(.oldestSnapshot) AS value", as: Int64.self) ?? 0)
    }
}
