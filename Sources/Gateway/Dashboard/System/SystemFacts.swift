import Delivery
import Timestamps
import Wire

/// What the system page shows of how this process was started.
struct SystemFacts: Sendable {
    let version: String
    let startedAt: Timestamp
    /// Pairs of what was configured and its value, never a secret.
    let settings: [(name: String, value: String)]
    let isPostgres: Bool

    init(_ configuration: GatewayConfiguration, startedAt: Timestamp) {
        version = ServerVersion.current
        self.startedAt = startedAt
        isPostgres = configuration.postgresURL != nil
        let delays = configuration.retrySchedule.delays.map { Figure.shown($0) }.joined(separator: ", ")
        settings = [
            ("DATABASE_URL", configuration.storeName),
            ("APP_URL", configuration.appURL ?? "not set: what this server listens on"),
            ("ATTACHMENTS_FOLDER", configuration.attachmentsFolder ?? "not set: files are in the database"),
            ("EVENT_RETENTION", Figure.shown(configuration.eventRetention)),
            ("WEBHOOK_RETRY_DELAYS", delays),
            ("HEARTBEAT_OFFLINE_AFTER", Figure.shown(configuration.heartbeatOfflineAfter)),
            ("NODE_LEASE", Figure.shown(configuration.nodeLease)),
            ("Push messages to phones", configuration.push == nil ? "off: no phone learns of outgoing messages" : "on"),
        ]
    }
}
