import Delivery
import Hummingbird
import Storage

/// What needs somebody: SMS that were not sent, webhooks that fail, phones that are offline.
package struct AttentionFeature: Feature {
    static let migrations = AttentionMigrations.all
    /// Finds what needs somebody.
    package let queries: AttentionQueries
    private let store: any Store

    init(_ ground: Ground) {
        store = ground.store
        queries = AttentionQueries(endpoints: ground.endpoints, pushes: ground.settings.pushes)
    }

    /// `GET /v1/attention`.
    func add(to routes: APIRoutes) {
        routes.users.get("/v1/attention") { [store, queries] _, context in
            let attention = try await store.read(.user(context.userID)) { tx in
                try queries.attention(of: context.userID, in: tx)
            }
            let count = attention.counts.total
            return Reply("\(count) \(count == 1 ? "thing needs" : "things need") attention", attention)
        }
    }

    var pruners: [Upkeep.Pruner] { [{ try AttentionQueries.prune(in: $1) }] }
}
