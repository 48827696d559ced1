import Secrets
import ServiceLifecycle
import Storage

/// The keys of phones, and who makes a request with which.
package struct PhoneAPIKeyFeature: Feature {
    static let migrations = PhoneAPIKeyMigrations.all
    static let sealed = [PhoneAPIKeyQueries.sealed]
    /// What can be done with keys of phones.
    package let operations: PhoneAPIKeyOperations
    private let ground: Ground

    init(_ ground: Ground) {
        self.ground = ground
        operations = PhoneAPIKeyOperations(
            store: ground.store, queries: PhoneAPIKeyQueries(keyring: ground.keyring), identities: ground.identities,
            quotas: ground.quotas, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        PhoneAPIKeyRoutes(operations: operations).add(to: routes.users)
    }

    /// Changes by other nodes are noticed, and uses written, once in a while.
    var services: [any Service] { [ground.identities, ground.uses] }
}
