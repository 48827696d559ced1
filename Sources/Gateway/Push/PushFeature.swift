import Delivery
import ServiceLifecycle
import Storage

/// Pushes: a phone is told that there is something to fetch.
struct PushFeature: Feature {
    static let migrations = PushMigrations.all
    private let ground: Ground
    private let sender: @Sendable () -> HTTPSender

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - sender: Makes what reaches servers that the operator names.
    init(_ ground: Ground, sender: @escaping @Sendable () -> HTTPSender) {
        self.ground = ground
        self.sender = sender
    }

    var services: [any Service] {
        get async throws {
            var transports: [PushKind: any PushTransport] = [:]
            if let firebase = ground.settings.push {
                transports[.firebase] = try await FCMClient(firebase, clock: ground.clock, sender: sender())
            }
            if transports.isEmpty { return [] }
            return [
                PushSender(
                    store: ground.store, transports: transports, clocks: ground.clocks, unreadable: ground.unreadable,
                    logger: ground.logger)
            ]
        }
    }

    var pruners: [Upkeep.Pruner] { [{ try PushQueries.prune(before: $0, in: $1) }] }
}
