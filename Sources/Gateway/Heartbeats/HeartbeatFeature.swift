import Delivery
import ServiceLifecycle
import Storage

/// Heartbeats: phones tell that they are there, and webhooks hear when one no longer does.
struct HeartbeatFeature: Feature {
    static let migrations = HeartbeatMigrations.all
    private let ground: Ground
    let operations: HeartbeatOperations
    /// No phone goes offline before; see ``HeartbeatOperations/grace(since:)``.
    private let graceEnd: ContinuousClock.Instant?

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - offlineAfter: A phone that is silent for so long is offline.
    ///   - pushes: Whether phones can be pushed to.
    init(_ ground: Ground, offlineAfter: Duration, pushes: Bool) {
        self.ground = ground
        operations = HeartbeatOperations(
            store: ground.store, clock: ground.clock, clocks: ground.clocks, offlineAfter: offlineAfter, pushes: pushes)
        graceEnd = operations.grace(since: ground.lastAlive)
    }

    func add(to routes: APIRoutes) {
        HeartbeatRoutes(store: ground.store, operations: operations).add(users: routes.users, phones: routes.phones)
    }

    var services: [any Service] {
        [
            ServerLife(store: ground.store, clock: ground.clock, clocks: ground.clocks, logger: ground.logger),
            ground.sweep("presence", on: .presence) { tx in
                try operations.checkPresence(notBefore: graceEnd, unreadable: ground.unreadable, in: tx)
            },
            ground.sweep("wake-up", on: .presence) { tx in
                try operations.wakeSilent(unreadable: ground.unreadable, in: tx)
            },
        ]
    }

    var pruners: [Upkeep.Pruner] { [{ try HeartbeatQueries.prune(before: $0, in: $1) }] }
}
