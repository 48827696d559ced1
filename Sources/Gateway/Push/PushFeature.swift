import Delivery
import ServiceLifecycle
import Storage

/// Pushes: a phone is told that there is something to fetch.
struct PushFeature: Feature {
    static let migrations = PushMigrations.all
    private let ground: Ground
    private let settings: PushConfiguration?

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - settings: How Firebase is reached; nil when nobody can be pushed to.
    init(_ ground: Ground, settings: PushConfiguration?) {
        self.ground = ground
        self.settings = settings
    }

    var services: [any Service] {
        get async throws {
            guard let settings else { return [] }
            let client = try await FCMClient(settings, clock: ground.clock)
            return [
                PushSender(
                    store: ground.store, transport: client, clocks: ground.clocks, unreadable: ground.unreadable,
                    logger: ground.logger)
            ]
        }
    }

    var pruners: [Upkeep.Pruner] { [{ try PushQueries.prune(before: $0, in: $1) }] }
}
