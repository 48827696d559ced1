import Delivery
import Secrets
import ServiceLifecycle
import Storage

/// The number that every change of a key or of its phones raises.
enum IdentityEpochQueries {
    static let migrations = [
        Migration(
            "identity-epoch-1",
            [
                """
                CREATE TABLE identity_epoch (
                    id \(.int64) PRIMARY KEY,
                    epoch \(.int64) NOT NULL
                ) \(.strict)
                """,
                "INSERT INTO identity_epoch (id, epoch) VALUES (1, 0)",
            ])
    ]

    static func advance(in tx: any Transaction) throws {
        try tx.run("UPDATE identity_epoch SET epoch = epoch + 1 WHERE id = 1")
    }

    static func current(in tx: any Transaction) throws -> Int64 {
        try tx.value("SELECT epoch AS value FROM identity_epoch WHERE id = 1") ?? 0
    }
}
