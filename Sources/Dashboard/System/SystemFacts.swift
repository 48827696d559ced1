import Delivery
import Gateway
import Timestamps
import Wire

/// What the system page shows of how this process was started.
package struct SystemFacts: Sendable {
    let version: String
    let startedAt: Timestamp
    /// Pairs of what was configured and its value, never a secret.
    let settings: [(name: String, value: String)]
    let isPostgres: Bool
    /// The services that take pushes of the server.
    let pushes: Set<PushKind>

    /// - Parameters:
    ///   - settings: What was configured.
    ///   - isPostgres: Whether the store is PostgreSQL.
    ///   - pushes: The services that take pushes of the server.
    ///   - startedAt: When this process began.
    package init(
        settings: [(name: String, value: String)], isPostgres: Bool, pushes: Set<PushKind>, startedAt: Timestamp
    ) {
        version = ServerVersion.current
        self.startedAt = startedAt
        self.settings = settings
        self.isPostgres = isPostgres
        self.pushes = pushes
    }
}
