import Delivery
import ServiceLifecycle
import Storage

/// Alerts: what somebody must know who does not look, by webhooks of their own kind and by e-mail.
package struct AlertFeature: Feature {
    static let migrations = AlertQueries.migrations + AlertWebhookQueries.migrations + MailQueries.migrations
    private let ground: Ground
    /// What can be done with alerts.
    package let operations: AlertOperations
    private let mailServer: MailServer?
    private let resolver: SystemResolver

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - attention: Finds what is wrong.
    ///   - vetting: Judges the URLs of webhooks.
    ///   - health: What is known of the machine.
    ///   - resolver: Looks up the name of what sends e-mail.
    init(
        _ ground: Ground, attention: AttentionQueries, vetting: AddressVetting,
        health: @escaping @Sendable () -> ServerHealth, resolver: SystemResolver
    ) {
        self.ground = ground
        mailServer = ground.settings.mailServer
        self.resolver = resolver
        operations = AlertOperations(
            store: ground.store,
            conditions: AlertConditions(attention: attention, clocks: ground.clocks, health: health),
            endpoints: ground.endpoints, quotas: ground.quotas, vetting: vetting, clock: ground.clock,
            mails: mailServer != nil)
    }

    func add(to routes: APIRoutes) {
        AlertRoutes(operations: operations).add(to: routes.users)
    }

    var services: [any Service] {
        let sweep = ground.sweep("alert", on: .alerts, longestPause: .seconds(10)) { [operations, ground] tx in
            try operations.sweep(unreadable: ground.unreadable, in: tx)
        }
        guard let mailServer else { return [sweep] }
        let client = SMTPClient(server: mailServer, resolver: resolver)
        return [
            sweep,
            MailSender(store: ground.store, clock: ground.clock, logger: ground.logger) { try await client.send($0) },
        ]
    }
}
