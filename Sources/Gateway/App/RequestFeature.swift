import Delivery
import Secrets
import Storage
import Timestamps

/// What requests of all features share and the store keeps: answers to repeat, and what accounts used today.
package struct RequestFeature: Feature {
    static let migrations = IdempotencyQueries.migrations + Quotas.migrations + UnlistedProxies.migrations
    static let sealed = [IdempotencyQueries.sealed]
    /// Keeps answers.
    package let queries: IdempotencyQueries

    init(_ ground: Ground) {
        queries = IdempotencyQueries(keyring: ground.keyring) { [clocks = ground.clocks] in clocks.lead(within: $0) }
    }

    var pruners: [Upkeep.Pruner] { [{ try IdempotencyQueries.prune(in: $1) }] }
}
