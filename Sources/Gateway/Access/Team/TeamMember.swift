import Delivery
import Storage
import Timestamps

/// Somebody who works in another's account with a sign-in of their own.
package struct TeamMember: Sendable {
    /// What their password, sessions and browsers are kept under, as those of whoever made an account are under its id.
    package let id: UserID
    /// Whose account they work in.
    package let account: UserID
    /// What they sign in with, in lower case.
    package let email: String
    /// What they may do.
    package let role: TeamRole
    /// When they joined.
    package let createdAt: Timestamp
}

/// What somebody may do in an account, from least to most; the raw value is what the store calls it.
package enum TeamRole: String, Sendable, CaseIterable, Comparable {
    /// Reads SMS and contacts.
    case reader
    /// Also sends and deletes SMS, and changes contacts and saved texts.
    case sender
    /// Whatever whoever made the account may do.
    case owner

    package static func < (left: TeamRole, right: TeamRole) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .reader: 0
        case .sender: 1
        case .owner: 2
        }
    }
}

/// Somebody whom an account asked into its team, and who did not come yet.
package struct TeamInvitation: Sendable {
    /// Whose team it is.
    package let account: UserID
    /// Whom it is for.
    package let email: String
    /// What they will be allowed to do.
    package let role: TeamRole
    /// Who asked, by the id of a ``Person``; nil where a version before this was noted stored it.
    package let invitedBy: UserID?
    /// From when on the link is worth nothing.
    package let expiresAt: Timestamp
}

extension TeamMember: RowDecodable {
    package init(row: Row) throws {
        self.init(
            id: try row.get("id"), account: try row.get("user_id"), email: try row.get("email"),
            role: try TeamRole(row: row), createdAt: try row.get("created_at"))
    }
}

extension TeamInvitation: RowDecodable {
    package init(row: Row) throws {
        self.init(
            account: try row.get("user_id"), email: try row.get("email"), role: try TeamRole(row: row),
            invitedBy: try row.find("invited_by"), expiresAt: try row.get("expires_at"))
    }
}

extension TeamRole {
    /// Reads the column `role`. What a newer version wrote is the least, as far as this one can tell.
    init(row: Row) throws { self = TeamRole(rawValue: try row.get("role")) ?? .reader }
}

enum TeamMigrations {
    static let all: [Migration] = [
        Migration(
            "team-1",
            [
                """
                CREATE TABLE team_member (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    email \(.text) NOT NULL,
                    role \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX team_member_email ON team_member (email)",
                "CREATE INDEX team_member_account ON team_member (user_id, email)",
                """
                CREATE TABLE team_invitation (
                    token_hash \(.blob) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    email \(.text) NOT NULL,
                    role \(.text) NOT NULL,
                    expires_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX team_invitation_email ON team_invitation (user_id, email)",
                "CREATE INDEX team_invitation_expires ON team_invitation (expires_at)",
            ]),
        Migration("team-2", ["ALTER TABLE team_invitation ADD COLUMN invited_by \(.text)"]),
    ]
}
