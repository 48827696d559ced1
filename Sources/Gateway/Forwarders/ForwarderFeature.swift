import Secrets
import Storage

/// Forwarders: apps that hand on the SMS of a phone to a URL of their own.
package struct ForwarderFeature: Feature {
    static let migrations = ForwarderMigrations.all
    static let sealed = [ForwarderQueries.sealed]
    /// What can be done with forwarders.
    package let operations: ForwarderOperations

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - inbound: Takes what they hand on.
    init(_ ground: Ground, inbound: InboundOperations) {
        operations = ForwarderOperations(
            store: ground.store, queries: ForwarderQueries(keyring: ground.keyring), inbound: inbound,
            clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        InboundHookRoutes(operations: operations).add(to: routes.open)
        ForwarderRoutes(operations: operations).add(to: routes.users)
    }
}
