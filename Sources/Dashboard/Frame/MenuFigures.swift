import Delivery
import Gateway
import Storage

/// The figures beside the entries of the menu.
struct MenuFigures: Sendable, Hashable {
    /// What needs somebody; see ``Attention/Counts``.
    var attention = 0
    /// Conversations that are unread and not archived, of all phones; at most 1,000.
    var unread = 0

    /// Reads the figures of an account.
    struct Reader: Sendable {
        let store: any Store
        let attention: AttentionQueries

        func figures(of userID: UserID) async throws -> MenuFigures {
            try await store.read(.user(userID)) { [attention] tx in
                MenuFigures(
                    attention: try attention.counts(of: userID, in: tx).total,
                    unread: try MessageThreadQueries.unreadCount(of: userID, in: tx))
            }
        }
    }
}
