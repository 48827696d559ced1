import Delivery
import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps
import UnixSignals

/// The server: everything is made and wired here, from top to bottom, and nowhere else.
package struct GatewayServer: Sendable {
    /// This server's version, as `User-Agent` and `--version` tell it.
    package static let version = "0.1.0"

    /// Accounts, for commands that run beside the routes.
    let users: UserOperations
    /// Where everything lives.
    package let store: any Store
    /// Every route of the API as `GET /v1/messages/{messageID}`, in no order; HEAD, which every GET route answers too, is
    /// left out.
    package let routes: [String]
    /// Every route of the pages, in the same form.
    package let pageRoutes: [String]
    /// The right to be the only server of a SQLite file; nil with PostgreSQL, which any number of nodes share.
    private let lock: ServerLock?
    private let sender: HTTPSender
    private let resolver: SystemResolver
    private let services: [any Service]
    private let address: ListeningAddress

    /// Opens the store, locks it, and wires everything up; nothing runs yet.
    ///
    /// - Throws: What makes starting impossible, in words for the operator.
    package init(
        _ configuration: GatewayConfiguration, clock: any WallClock = SystemClock(), logger: Logger
    ) async throws {
        let certificate = try configuration.tls.map { try CertificateWatch($0, clock: clock, logger: logger) }
        let url = configuration.postgresURL?.exposed
        let lock = url == nil ? try ServerLock(database: configuration.databasePath) : nil
        self.lock = lock
        let opened = try await GatewayStore.open(
            configuration, activates: true, lock: lock, clock: clock, logger: logger)
        if lock != nil {
            let version = SQLiteVersion.loaded
            logger.info("store opened", metadata: ["sqlite": "\(version)", "note": "\(version.advice)"])
        }
        let store = opened.store
        self.store = store
        let address = ListeningAddress(
            scheme: configuration.tls == nil ? "http" : "https", host: configuration.host,
            port: configuration.port, appURL: configuration.appURL)
        self.address = address
        let resolver = try SystemResolver()
        self.resolver = resolver
        let policy = try AddressPolicy(
            allowedNetworks: configuration.allowedNetworks, ownAddresses: Self.ownAddresses(configuration))
        let sender = try HTTPSender(resolver: resolver, policy: policy)
        self.sender = sender

        // One server at a time works on a SQLite file, so every other lease there is void.
        let membership = try await NodeMembership.join(
            store, as: .init(name: Self.nodeName, version: Self.version), isAlone: url == nil,
            life: configuration.nodeLease, clock: clock, logger: logger)
        let metrics = DeliveryMetrics()
        let lastAlive = try await store.read(.maintenance) { tx in try HeartbeatQueries.lastAlive(in: tx) }
        let clocks = ClockGuard(clock, lastAlive: lastAlive)
        let unreadable = UnreadableRows(metrics: metrics, logger: logger)
        let runner = AttemptRunner(
            sender: sender, schedule: configuration.retrySchedule, clock: clock, version: Self.version)
        let endpoints = EndpointQueries(keyring: opened.keyring)
        let uses = PhoneKeyUses(store: store, clock: clock, logger: logger)
        let identities = Identities(store: store, uses: uses)
        let folder = configuration.attachmentsFolder.map { AttachmentFolder(URL(fileURLWithPath: $0)) }
        let attachments = folder.map(AttachmentStorage.folder) ?? .database
        users = UserOperations(
            store: store, queries: UserQueries(keyring: opened.keyring), identities: identities,
            endpoints: endpoints)
        let quotas = configuration.quotas
        let phones = PhoneOperations(
            store: store, endpoints: endpoints, identities: identities, uses: uses, quotas: quotas,
            clock: clock,
            minimumExpiration: configuration.messageExpirationMinimum)
        let phoneAPIKeys = PhoneAPIKeyOperations(
            store: store, queries: PhoneAPIKeyQueries(keyring: opened.keyring), identities: identities,
            quotas: quotas, clock: clock)
        let sendSchedules = SendScheduleOperations(store: store, quotas: quotas, clock: clock)
        let messages = MessageOperations(
            store: store, quotas: quotas, clock: clock, clocks: clocks, pushes: configuration.push != nil)
        let uploads = UploadQueue()
        let bulkMessages = BulkMessageOperations(
            store: store, users: users, quotas: quotas, clock: clock, uploads: uploads)
        let idempotency = IdempotencyQueries(keyring: opened.keyring) { clocks.lead(within: $0) }
        let heartbeats = HeartbeatOperations(
            store: store, clock: clock, clocks: clocks, offlineAfter: configuration.heartbeatOfflineAfter,
            pushes: configuration.push != nil)
        let webhooks = WebhookOperations(
            store: store, endpoints: endpoints, resolver: resolver, policy: policy, quotas: quotas, clock: clock)

        let inbound = InboundOperations(
            store: store, attachments: attachments, quotas: quotas, clock: clock,
            appURL: { address.appURL(told: $0) })
        let deviceQueries = PhoneDeviceQueries(keyring: opened.keyring)
        let devices = DeviceOperations(
            store: store, queries: deviceQueries, quotas: quotas, clock: clock, guesses: CodeGuesses(clock: clock))
        let deviceStreams = DeviceStreams(store: store, clock: clock, logger: logger)
        let deviceLife = DeviceLife(store: store, heartbeats: heartbeats)

        let graceEnd = heartbeats.grace(since: lastAlive)

        let stream = EventStream(store: store, identities: identities)
        try await FirstRun.offer(in: store, logger: logger)
        let site = PageSite(
            speaksTLS: configuration.tls != nil, appURL: try configuration.appURL.map { try CallbackURL($0) })
        let refusals = PhoneReportRefusals()
        let router = GatewayRoutes(
            answerHeaders: AnswerHeadersMiddleware(isSecure: site.isServedOverTLS),
            forwarding: ForwardingMiddleware(
                proxies: TrustedProxies(networks: configuration.trustedProxies), unlisted: UnlistedProxies(store: store)
            ),
            bodies: BodyMemoryMiddleware(
                memory: BodyMemory(limit: configuration.requestBodyMemory), uploads: uploads),
            health: HealthRoutes(store: store),
            metrics: MetricsRoutes(
                store: store, metrics: metrics, lookups: { resolver.counts }, clock: clock,
                clocks: clocks, refusals: refusals, site: site, token: configuration.metricsToken),
            identities: identities, refusals: refusals,
            idempotency: Idempotency(store: store, queries: idempotency),
            users: UserRoutes(operations: users),
            phoneAPIKeys: PhoneAPIKeyRoutes(operations: phoneAPIKeys),
            phones: PhoneRoutes(store: store, operations: phones),
            heartbeats: HeartbeatRoutes(store: store, operations: heartbeats),
            messages: MessageRoutes(store: store, operations: messages, clock: clock),
            bulkMessages: BulkMessageRoutes(operations: bulkMessages),
            sendSchedules: SendScheduleRoutes(operations: sendSchedules),
            threads: MessageThreadRoutes(store: store),
            phoneMessages: PhoneMessageRoutes(
                operations: messages,
                inbound: inbound),
            attachments: AttachmentRoutes(store: store, storage: attachments),
            webhooks: WebhookRoutes(operations: webhooks), webhookActions: WebhookActions(operations: webhooks),
            deliveries: DeliveryRoutes(
                store: store, runner: runner, endpoints: endpoints, webhooks: webhooks),
            events: EventRoutes(store: store, stream: stream),
            devices: DeviceRoutes(operations: devices, appURL: { address.appURL(told: $0) }),
            mobile: MobileRoutes(
                store: store, clock: clock, devices: devices,
                messages: DeviceMessageOperations(store: store, clock: clock), life: deviceLife,
                lists: DeviceLists(queries: deviceQueries, appURL: { address.appURL(told: $0) }),
                inbound: DeviceInboundOperations(
                    store: store, clock: clock, queries: deviceQueries, inbound: inbound, life: deviceLife,
                    refusals: DeviceHookRefusals()),
                events: DeviceEvents(store: store, clock: clock, streams: deviceStreams)),
            dashboard: try Dashboard(
                Dashboard.Operations(
                    users: users, webhooks: webhooks, messages: messages, bulkMessages: bulkMessages, phones: phones,
                    phoneKeys: phoneAPIKeys, schedules: sendSchedules),
                store: store, receipts: FormReceipts(queries: idempotency), runner: runner, stream: stream, site: site,
                offlineAfter: configuration.heartbeatOfflineAfter,
                system: SystemFacts(configuration, startedAt: clock.now()))
        ).router()
        let all = router.routes.filter { $0.method != .head }.map {
            (path: "\($0.path)", name: "\($0.method) \($0.path)")
        }
        routes = all.filter { !Dashboard.isPage($0.path) && !MobileRoutes.isMobile($0.path) }.map(\.name)
        pageRoutes = all.filter { Dashboard.isPage($0.path) }.map(\.name)
        let connections = OpenConnections(limits: configuration.connections, proxies: configuration.trustedProxies)
        let http = HTTPServerBuilder { responder in
            LimitedHTTPChannel(responder: responder, connections: connections, limits: configuration.connections)
        }
        let application = Application(
            router: router, server: try certificate.map { try .tls(http, tlsConfiguration: $0.configuration) } ?? http,
            configuration: .init(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { channel in address.listening(on: channel.localAddress, logger: logger) },
            logger: logger)
        let dispatcher = Dispatcher(
            store: store, endpoints: endpoints, runner: runner, lease: membership.lease, clock: clock, metrics: metrics,
            logger: logger)
        var push: [any Service] = []
        if let settings = configuration.push {
            let client = try await FCMClient(settings, clock: clock)
            push = [PushSender(store: store, client: client, clocks: clocks, unreadable: unreadable, logger: logger)]
        }
        var shared: [any Service] = []
        if let url {
            let (looks, slots) = (NumberingLooks(), NumberingLooks())
            shared = [
                Sweep(
                    "numbering", on: .unnumbered, store: store, clock: clock, interval: EventNumbering.interval,
                    logger: logger
                ) { tx in try EventNumbering.sweep(looks, in: tx) },
                Sweep(
                    "tally", on: .unnumbered, store: store, clock: clock, interval: EndpointSlots.interval,
                    logger: logger
                ) { tx in try EndpointSlots.sweep(slots, in: tx) },
                SnapshotWatch(store: store, clock: clock, logger: logger),
            ]
            // A pooler that changes connections loses what one of them listens to; then the looks of the sweeps must do.
            if configuration.databasePooler == .none {
                shared.append(PostgresHints(url: url, wakeups: store.wakeups, logger: logger))
            }
        }
        let waiting = WaitingTimes(
            store: store, offlineAfter: configuration.heartbeatOfflineAfter, unreadable: unreadable)
        let watch = (store as? SQLiteStore).map { StoreWatch($0, logger: logger) }
        let sweeps = folder.map { AttachmentSweep(store: store, folder: $0, logger: logger) }
        services =
            shared + push + [certificate].compactMap(\.self) + [sweeps].compactMap(\.self)
            + [watch].compactMap(\.self) + [
                membership,
                ClockWatch(clocks, clock: clock, logger: logger, interval: url == nil ? .seconds(60) : nil) {
                    [schedule = configuration.retrySchedule] step in
                    if let step, step.amount >= .zero { return }
                    try await DueTimes.pullIn(by: step?.amount, store: store, clock: clock, schedule: schedule)
                    try await waiting.pullIn()
                },
                identities,
                uses,
                deviceStreams,
                LifeSign(store: store, clock: clock, clocks: clocks, logger: logger),
                Sweep("message", on: .messages, store: store, clock: clock, logger: logger) { tx in
                    try messages.handOutAndExpire(unreadable: unreadable, in: tx)
                },
                Sweep("presence", on: .presence, store: store, clock: clock, logger: logger) { tx in
                    try heartbeats.checkPresence(notBefore: graceEnd, unreadable: unreadable, in: tx)
                },
                Sweep("wake-up", on: .presence, store: store, clock: clock, logger: logger) { tx in
                    try heartbeats.wakeSilent(unreadable: unreadable, in: tx)
                },
                Sweep("replay", on: .replays, store: store, clock: clock, logger: logger) { tx in
                    try ReplayQueries.step(unreadable: unreadable, in: tx)
                },
                Sweep("erasure", on: .erasures, store: store, clock: clock, logger: logger) { tx in
                    try UserErasure.step(in: tx)
                },
                Sweep(
                    "search", on: .searches, store: store, clock: clock, floor: .seconds(60), logger: logger
                ) { tx in try SearchFill.step(in: tx) },
                SearchIndexer(store: store, clock: clock, logger: logger),
                Upkeep(
                    store: store, clock: clock, retention: configuration.eventRetention,
                    pruners: [
                        { try HeartbeatQueries.prune(before: $0, in: $1) },
                        { try PushQueries.prune(before: $0, in: $1) },
                        { try HourlyCounts.prune(in: $1) },
                        { try IdempotencyQueries.prune(in: $1) },
                        { try SessionQueries.prune(in: $1) },
                        { try DeviceQueries.prune(in: $1) },
                        { try AccessQueries.prune(in: $1) },
                        { try InvitationQueries.prune(in: $1) },
                        { try DevicePairingQueries.prune(in: $1) },
                        { try DeviceOfferQueries.prune(in: $1) },
                        { try FirstRun.renew(in: $1, logger: logger) },
                    ], isClockBelieved: { clocks.isBelieved }, metrics: metrics, logger: logger),
                application,
                // The last one is shut down first: its 5 s must not depend on clients that stall in the middle of a request.
                dispatcher,
                // These only say so.
                StoreDeadline(store: store),
                ServiceManager(environment: ProcessInfo.processInfo.environment, address: address, store: store),
            ]
    }

    /// Makes an account, as `httpsms user create` does beside a running server.
    ///
    /// - Throws: ``UserCreationError``.
    package func createUser(email: String, id: String?, apiKey: String?) async throws -> Commands.CreatedUser {
        let user = try await users.create(email: email, id: id, apiKey: apiKey)
        return Commands.CreatedUser(id: user.id.text, apiKey: user.apiKey.exposed)
    }

    /// Serves until a signal or `body` asks for shutdown: then ends the deliveries in flight, takes no more requests, and
    /// closes the store. Takes 9 s at most: 5 s for deliveries, the rest for requests.
    ///
    /// - Parameters:
    ///   - signals: What asks for shutdown.
    ///   - logger: Told of the start and the end.
    ///   - body: Runs beside the server once it listens, with its base URL; when it returns true, or throws, the server
    ///     shuts down.
    /// - Throws: What a service or `body` threw.
    package func run(
        signals: [UnixSignal] = [.sigterm, .sigint], logger: Logger,
        beside body: @escaping @Sendable (_ baseURL: String) async throws -> Bool = { _ in false }
    ) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: signals, logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(9)
        let group = ServiceGroup(configuration: configuration)
        defer { resolver.shutdown() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { [address] in
                    // Who waits for the address must not wait for a server that could not start.
                    defer { address.stop() }
                    try await group.run()
                }
                tasks.addTask { [address] in
                    guard let baseURL = await address.baseURL() else { return }
                    do {
                        if try await body(baseURL) { await group.triggerGracefulShutdown() }
                    } catch {
                        await group.triggerGracefulShutdown()
                        throw error
                    }
                }
                while try await tasks.next() != nil {}
            }
        } catch {
            await sender.shutdown()
            try await store.close()
            throw address.explain(error)
        }
        await sender.shutdown()
        try await store.close()
        withExtendedLifetime(lock) {}
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
