import Delivery
import Storage

/// Callbacks: URLs that messages name for their own events.
package struct CallbackFeature: Feature {
    /// What can be done with them.
    package let operations: CallbackOperations

    init(_ ground: Ground, vetting: AddressVetting) {
        operations = CallbackOperations(
            store: ground.store, callbacks: CallbackQueries(endpoints: ground.endpoints),
            users: UserQueries(keyring: ground.keyring), vetting: vetting, quotas: ground.quotas, clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        CallbackRoutes(operations: operations).add(to: routes.users)
    }

    var pruners: [Upkeep.Pruner] { [{ [callbacks = operations.callbacks] in try callbacks.prune(in: $1) }] }
}
