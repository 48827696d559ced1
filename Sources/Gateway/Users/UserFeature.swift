import Delivery
import Secrets
import ServiceLifecycle
import Storage

/// Accounts.
package struct UserFeature: Feature {
    static let migrations = UserMigrations.all
    static let sealed = [UserQueries.sealed]
    /// What can be done with them.
    package let operations: UserOperations

    /// Needs nothing but the ground.
    package init(_ ground: Ground) {
        operations = UserOperations(
            store: ground.store, queries: UserQueries(keyring: ground.keyring), identities: ground.identities,
            endpoints: ground.endpoints)
    }

    func add(to routes: APIRoutes) {
        UserRoutes(operations: operations).add(to: routes.users)
    }
}

/// What is left of a deleted account or conversation goes bit by bit. It knows the tables of all other features.
struct UserErasureFeature: Feature {
    static let migrations = UserErasureQueries.migrations
    let ground: Ground

    var services: [any Service] {
        [
            ground.sweep("erasure", on: .erasures) { [endpoints = ground.endpoints] tx in
                // A conversation first, which is smaller.
                let threads = try ThreadErasureQueries.step(in: tx)
                if threads.mayHaveMore { return threads }
                return try UserErasureQueries.step(endpoints: endpoints, in: tx)
            }
        ]
    }
}
