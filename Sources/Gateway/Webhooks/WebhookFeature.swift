import Delivery
import Storage

/// Webhooks, and what can be seen and done of their deliveries.
package struct WebhookFeature: Feature {
    static let migrations = WebhookMigrations.all
    /// What can be done with webhooks.
    package let operations: WebhookOperations
    private let ground: Ground
    private let runner: AttemptRunner

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - runner: Shows what attempts sent.
    ///   - vetting: Judges callback URLs.
    init(_ ground: Ground, runner: AttemptRunner, vetting: AddressVetting) {
        self.ground = ground
        self.runner = runner
        operations = WebhookOperations(
            store: ground.store, endpoints: ground.endpoints, vetting: vetting, quotas: ground.quotas,
            clock: ground.clock)
    }

    func add(to routes: APIRoutes) {
        WebhookRoutes(operations: operations).add(to: routes.users)
        WebhookActions(operations: operations).add(to: routes.users)
        DeliveryRoutes(store: ground.store, runner: runner, endpoints: ground.endpoints, webhooks: operations).add(
            to: routes.users)
    }
}
