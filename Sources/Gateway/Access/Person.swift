import Storage

/// Somebody who signs in: whoever made an account, or a member of its team.
package struct Person: Sendable {
    /// What their password, sessions and browsers are kept under: the account's id, or the member's.
    package let id: UserID
    /// The account that they see.
    package let account: UserID
    /// The address of a member; nil for whoever made the account.
    let memberEmail: String?

    /// As the store has them.
    init(id: UserID, account: UserID, memberEmail: String?) {
        (self.id, self.account, self.memberEmail) = (id, account, memberEmail)
    }

    /// Whoever made `account`.
    init(_ account: UserID) { self.init(id: account, account: account, memberEmail: nil) }

    /// A member of an account's team.
    init(_ member: TeamMember) {
        self.init(id: member.id, account: member.account, memberEmail: member.email)
    }
}
