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

    init(_ ground: Ground) {
        self.ground = ground
        operations = HeartbeatOperations(
            store: ground.store, clock: ground.clock, clocks: ground.clocks,
            offlineAfter: ground.settings.offlineAfter, pushes: ground.settings.pushes)
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
