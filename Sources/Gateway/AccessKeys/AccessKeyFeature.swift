import ServiceLifecycle
import Storage

/// Keys of an account with scopes, an end, and when they were used last.
package struct AccessKeyFeature: Feature {
    static let migrations = AccessKeyMigrations.all
    /// What can be done with access keys.
    package let operations: AccessKeyOperations
    private let uses: AccessKeyUses

    init(_ ground: Ground) {
        operations = AccessKeyOperations(store: ground.store, identities: ground.identities, clock: ground.clock)
        uses = ground.accessKeyUses
    }

    func add(to routes: APIRoutes) {
        AccessKeyRoutes(operations: operations).add(to: routes.users)
    }

    /// Writes uses once in a while.
    var services: [any Service] { [uses] }
}
