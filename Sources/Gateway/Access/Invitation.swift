import Delivery
import Storage
import Timestamps

/// Somebody whom the owner asked in, and who has no account yet.
package struct Invitation: Sendable {
    /// The digest of the link's token: the token itself is in the link only, which is shown once.
    let tokenHash: [UInt8]
    /// Whom it is for; they sign in with it.
    package let email: String
    /// From when on it is worth nothing.
    package let expiresAt: Timestamp
}

extension Invitation: RowDecodable {
    package init(row: Row) throws {
        tokenHash = try row.get("token_hash")
        email = try row.get("email")
        expiresAt = try row.get("expires_at")
    }
}

/// An account as its server's owner sees it.
package struct Member: Sendable, RowDecodable {
    /// The account.
    package let id: UserID
    /// What its owner signs in with.
    package let email: String
    /// When it was made.
    package let createdAt: Timestamp

    package init(row: Row) throws {
        id = try row.get("id")
        email = try row.get("email")
        createdAt = try row.get("created_at")
    }
}

enum InvitationMigrations {
    static let all: [Migration] = [
        Migration(
            "invitations-1",
            [
                """
                CREATE TABLE invitation (
                    token_hash \(.blob) PRIMARY KEY,
                    email \(.text) NOT NULL,
                    expires_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX invitation_email ON invitation (email)",
                "CREATE INDEX invitation_expires ON invitation (expires_at)",
            ])
    ]
}

/// An invitation that was made a moment ago.
package struct SentInvitation: Sendable {
    /// The token of its link; only a digest is stored.
    package let token: String
    /// Whether the server mails the link.
    package let isMailed: Bool
}
