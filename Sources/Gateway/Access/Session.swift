import Delivery
import Storage
import Timestamps
import Wire

/// Somebody who is signed in, in one browser.
package struct Session: Sendable {
    /// The digest of the cookie's token: the token itself is only in the browser.
    package let tokenHash: [UInt8]
    /// Who it is.
    package let person: Person
    /// What they may do in the account; ``TeamRole/owner`` for whoever made it.
    package let role: TeamRole
    /// What they signed in with.
    package let email: String
    /// The account's, an IANA name.
    package let timezone: String
    /// What forms carry.
    package let formToken: String
    /// When they signed in.
    package let createdAt: Timestamp
    /// To the hour.
    package let lastSeenAt: Timestamp
    /// The address that signed in, and the browser as it calls itself; empty where that was not noted yet.
    package let address: String
    /// What the browser said it is; see ``Visitor/name(of:)``.
    package let agent: String
    /// Whether they own the server.
    package let isOwner: Bool

    /// The account that they see.
    package var userID: UserID { person.account }

    /// What a form names it by.
    package var id: String { tokenHash.hexadecimal }
}

enum SessionMigrations {
    static let all: [Migration] = [
        Migration(
            "sessions-1",
            [
                """
                CREATE TABLE session (
                    token_hash \(.blob) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    form_token \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    last_seen_at \(.int64) NOT NULL,
                    expires_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX session_of_user ON session (user_id, last_seen_at)",
                "CREATE INDEX session_expires ON session (expires_at)",
                """
                CREATE TABLE user_password (
                    user_id \(.text) PRIMARY KEY,
                    password_hash \(.text) NOT NULL,
                    changed_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                """
                CREATE TABLE sign_in_attempt (
                    subject \(.blob) PRIMARY KEY,
                    started_at \(.int64) NOT NULL,
                    attempts \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX sign_in_attempt_started ON sign_in_attempt (started_at)",
                """
                CREATE TABLE first_run_token (
                    token_hash \(.blob) PRIMARY KEY,
                    expires_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                """
                CREATE TABLE server_owner (
                    id \(.int64) PRIMARY KEY,
                    user_id \(.text) NOT NULL
                ) \(.strict)
                """,
            ]),
        Migration("sessions-2", [], indexes: [TableIndex("users_email_folded", on: "users", "(LOWER(email))")]),
        Migration(
            "sessions-3",
            [
                "ALTER TABLE session ADD COLUMN address \(.text) NOT NULL DEFAULT ''",
                "ALTER TABLE session ADD COLUMN agent \(.text) NOT NULL DEFAULT ''",
            ]),
        Migration(
            "sessions-4",
            [
                """
                CREATE TABLE sign_in_device (
                    token_hash \(.blob) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX sign_in_device_of_user ON sign_in_device (user_id, created_at)",
                "CREATE INDEX sign_in_device_created ON sign_in_device (created_at)",
            ]),
    ]
}
