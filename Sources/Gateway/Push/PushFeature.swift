import Delivery
import ServiceLifecycle
import Storage

/// Pushes: a phone is told that there is something to fetch.
struct PushFeature: Feature {
    static let migrations = PushMigrations.all
    private let ground: Ground
    private let settings: PushConfiguration?
    private let sender: @Sendable () -> HTTPSender

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - settings: How Firebase is reached; nil when nobody can be pushed to.
    ///   - sender: Makes what reaches servers that the operator names.
    init(_ ground: Ground, settings: PushConfiguration?, sender: @escaping @Sendable () -> HTTPSender) {
        self.ground = ground
        self.settings = settings
        self.sender = sender
    }

    var services: [any Service] {
        get async throws {
            guard let settings else { return [] }
            let client = try await FCMClient(settings, clock: ground.clock, sender: sender())
            return [
                PushSender(
                    store: ground.store, transport: client, clocks: ground.clocks, unreadable: ground.unreadable,
                    logger: ground.logger)
            ]
        }
    }

    var pruners: [Upkeep.Pruner] { [{ try PushQueries.prune(before: $0, in: $1) }] }
}
