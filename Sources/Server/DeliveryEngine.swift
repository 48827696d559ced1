import Delivery
import Foundation
import Gateway
import Logging
import Secrets
import ServiceLifecycle
import Storage
import Timestamps
import Wire

/// The delivery engine of this process: what sends, what keeps the store in order, and how nodes know of each other.
struct DeliveryEngine: Sendable {
    let runner: AttemptRunner
    let resolver: SystemResolver
    /// Which addresses a callback URL may have.
    let policy: AddressPolicy
    private let sender: HTTPSender
    private let membership: NodeMembership
    private let ground: Ground
    private let configuration: GatewayConfiguration

    /// - Parameters:
    ///   - ground: What it stands on.
    ///   - configuration: What the operator says.
    ///   - baseURL: The server's own URL; empty while it is not known.
    /// - Throws: What makes starting impossible, in words for the operator.
    init(
        _ ground: Ground, _ configuration: GatewayConfiguration, baseURL: @escaping @Sendable () -> String
    ) async throws {
        self.ground = ground
        self.configuration = configuration
        resolver = try SystemResolver()
        policy = try AddressPolicy(
            allowedNetworks: configuration.allowedNetworks, ownAddresses: Self.ownAddresses(configuration),
            ownReceiver: OwnReceiver(baseURL: baseURL))
        sender = try HTTPSender(
            resolver: resolver, policy: policy, roots: configuration.trust, proxy: configuration.webhookProxy)
        // One server at a time works on a SQLite file, so every other lease there is void.
        membership = try await NodeMembership.join(
            ground.store, as: .init(name: Self.nodeName, version: ServerVersion.current),
            isAlone: configuration.postgresURL == nil, life: configuration.nodeLease, clock: ground.clock,
            logger: ground.logger)
        runner = AttemptRunner(
            sender: sender, schedule: configuration.retryDelays, clock: ground.clock, version: ServerVersion.current)
    }

    /// What keeps this node a node, in the order in which it starts.
    var services: [any Service] {
        let (store, clock, logger) = (ground.store, ground.clock, ground.logger)
        let waiting = WaitingTimes(
            store: store, offlineAfter: configuration.offlineAfter, unreadable: ground.unreadable)
        let isAlone = configuration.postgresURL == nil
        return shared + [
            membership,
            ClockWatch(ground.clocks, clock: clock, logger: logger, interval: isAlone ? .seconds(60) : nil) {
                [schedule = configuration.retryDelays] step in
                if let step, step.amount >= .zero { return }
                try await DueTimes.pullIn(by: step?.amount, store: store, clock: clock, schedule: schedule)
                try await waiting.pullIn()
            },
            ground.sweep("replay", on: .replays) { [unreadable = ground.unreadable] tx in
                try ReplayQueries.step(unreadable: unreadable, in: tx) { messages, contact, userID in
                    try MessageQueries.among(messages, with: contact, userID: userID, in: tx)
                }
            },
        ]
    }

    /// What nodes on one PostgreSQL do besides.
    private var shared: [any Service] {
        guard let url = configuration.postgresURL?.exposed else { return [] }
        let (looks, slots) = (NumberingLooks(), NumberingLooks())
        let services: [any Service] = [
            ground.sweep("numbering", on: .unnumbered, interval: EventNumbering.interval) { tx in
                try EventNumbering.sweep(looks, in: tx)
            },
            ground.sweep("tally", on: .unnumbered, interval: EndpointSlots.interval) { tx in
                try EndpointSlots.sweep(slots, in: tx)
            },
            SnapshotWatch(store: ground.store, clock: ground.clock, logger: ground.logger),
        ]
        // A pooler that changes connections loses what one of them listens to; then the looks of the sweeps must do.
        guard configuration.pooler == .none else { return services }
        return services + [PostgresHints(url: url, wakeups: ground.store.wakeups, logger: ground.logger)]
    }

    /// Deletes what is old, of deliveries and of features.
    func upkeep(_ pruners: [Upkeep.Pruner]) -> Upkeep {
        Upkeep(
            store: ground.store, clock: ground.clock, retention: configuration.eventRetention,
            pruners: [{ try HourlyCounts.prune(in: $1) }] + pruners,
            isClockBelieved: { [clocks = ground.clocks] in clocks.isBelieved }, metrics: ground.metrics,
            logger: ground.logger)
    }

    /// Makes the attempts that are due.
    var dispatcher: Dispatcher {
        Dispatcher(
            store: ground.store, endpoints: ground.endpoints, runner: runner, lease: membership.lease,
            clock: ground.clock, metrics: ground.metrics, logger: ground.logger)
    }

    /// A sender with connections of its own for servers that the operator names.
    var operatorSender: HTTPSender { sender.forOperator() }

    /// Closes the connections to receivers.
    func shutdown() async {
        await sender.shutdown()
    }

    /// The machine and process, for people.
    private static var nodeName: String {
        "\(ProcessInfo.processInfo.hostName) (process \(ProcessInfo.processInfo.processIdentifier))"
    }

    private static func ownAddresses(_ configuration: GatewayConfiguration) throws -> [OwnAddress] {
        guard configuration.port > 0 else { return [] }
        let address = IPAddress(configuration.host == "localhost" ? "127.0.0.1" : configuration.host)
        guard let address else { return [] }
        return OwnAddress.listening(
            on: address, port: configuration.port, interfaces: try OwnAddress.localInterfaces())
    }
}
