import Delivery
import Storage

/// An account's log of changes: who did what, when, and from where.
package struct AuditFeature: Feature {
    static let migrations = AuditMigrations.all
    /// Notes what is done.
    package let trail: AuditTrail

    init(_ ground: Ground) {
        trail = AuditTrail(store: ground.store)
    }

    func add(to routes: APIRoutes) {
        AuditRoutes(store: trail.store).add(to: routes.users)
    }

    var pruners: [Upkeep.Pruner] { [{ try AuditQueries.prune(before: $0, in: $1) }] }
}
