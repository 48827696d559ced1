import Storage

/// Whom endpoints belong to that are no webhooks: no account, as ids of accounts hold no space. So whatever asks for the webhooks or
/// events of an account does not find them.
extension UserID {
    /// Whom the endpoints belong to that messages of this account name for themselves.
    package var callbacks: UserID { UserID("callbacks of \(text)") }

    /// Whom the endpoints belong to that hear of the alerts of this account, and the events that tell of them.
    package var alerts: UserID { UserID("alerts of \(text)") }

    /// All that stands for this account.
    package var scopes: [UserID] { [self, callbacks, alerts] }

    /// The account that stands behind an owner of endpoints.
    package var account: UserID { UserID(text.split(separator: " ").last.map(String.init) ?? text) }
}
