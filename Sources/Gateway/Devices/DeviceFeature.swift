import Delivery
import Hummingbird
import Secrets
import ServiceLifecycle
import Storage

/// Phones with the SMSGate app, which speak a protocol of their own and need no Firebase.
package struct DeviceFeature: Feature {
    static let migrations = DeviceMigrations.all
    static let sealed = [PhoneDeviceQueries.sealedTokens, PhoneDeviceQueries.sealedKeys]
    private let ground: Ground
    /// What can be done with devices.
    package let operations: DeviceOperations
    private let streams: DeviceStreams
    private let queries: PhoneDeviceQueries
    private let inbound: InboundOperations
    private let heartbeats: HeartbeatOperations
    /// What URLs for phones begin with, by what a trusted proxy told.
    package let appURL: @Sendable (_ told: String?) -> String

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - inbound: Takes what comes in.
    ///   - heartbeats: Told of each sign of life.
    ///   - appURL: What URLs for phones begin with, by what a trusted proxy told.
    init(
        _ ground: Ground, inbound: InboundOperations, heartbeats: HeartbeatOperations,
        appURL: @escaping @Sendable (_ told: String?) -> String
    ) {
        self.ground = ground
        self.inbound = inbound
        self.heartbeats = heartbeats
        self.appURL = appURL
        queries = PhoneDeviceQueries(keyring: ground.keyring)
        operations = DeviceOperations(
            store: ground.store, queries: queries, quotas: ground.quotas, clock: ground.clock,
            guesses: CodeGuesses(clock: ground.clock))
        streams = DeviceStreams(store: ground.store, clock: ground.clock, logger: ground.logger)
    }

    func add(to routes: APIRoutes) {
        DeviceRoutes(operations: operations, appURL: appURL).add(to: routes.users)
    }

    func addApart(to router: Router<APIContext>) {
        let (store, clock) = (ground.store, ground.clock)
        let life = DeviceLife(store: store, clock: clock, heartbeats: heartbeats)
        MobileRoutes(
            store: store, devices: operations,
            messages: DeviceMessageOperations(store: store, clock: clock), life: life,
            lists: DeviceLists(queries: queries, appURL: appURL),
            inbound: DeviceInboundRoutes(
                store: store, clock: clock, queries: queries, inbound: inbound, life: life,
                refusals: DeviceHookRefusals()),
            events: DeviceEvents(store: store, clock: clock, streams: streams)
        ).add(to: router)
    }

    var services: [any Service] { [streams] }

    var pruners: [Upkeep.Pruner] {
        [{ try DevicePairingQueries.prune(in: $1) }, { try DeviceOfferQueries.prune(in: $1) }]
    }
}
