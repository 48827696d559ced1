import Storage
import Timestamps

/// How somebody signs in besides the password: with codes of an authenticator app, or with recovery codes that were
/// written down.
package struct SecondFactor: Sendable {
    /// Since when.
    package let createdAt: Timestamp
    /// How many recovery codes were not used yet.
    package let recoveryCodes: Int64
}

enum SecondFactorMigrations {
    static let all: [Migration] = [
        Migration(
            "second-factor-1",
            [
                """
                CREATE TABLE second_factor (
                    user_id \(.text) PRIMARY KEY,
                    secret \(.blob) NOT NULL,
                    last_step \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                """
                CREATE TABLE recovery_code (
                    user_id \(.text) NOT NULL,
                    code_hash \(.blob) NOT NULL,
                    PRIMARY KEY (user_id, code_hash)
                ) \(.strict)
                """,
            ])
    ]
}
