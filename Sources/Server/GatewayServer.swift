import Dashboard
import Delivery
import Foundation
import Gateway
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import Secrets
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps
import UnixSignals
import Wire

/// The server: everything is made and wired here, from top to bottom, and nowhere else.
package struct GatewayServer: Sendable {
    /// Accounts, for commands that run beside the routes.
    package let users: UserOperations
    /// Where everything lives.
    package let store: any Store
    /// Every route of the API as `GET /v1/messages/{messageID}`, in no order; HEAD, which every GET route answers too, is
    /// left out.
    package let routes: [String]
    /// Every route of the pages, in the same form.
    package let pageRoutes: [String]
    /// The right to be the only server of a SQLite file; nil with PostgreSQL, which any number of nodes share.
    private let lock: ServerLock?
    private let engine: DeliveryEngine
    private let services: [any Service]
    private let address: ListeningAddress
    /// Makes the first account; nil when there is one.
    private let firstToken: String?
    /// What a hang-up asks for: shutdown, unless ``CertificateWatch`` takes it.
    private let endsOnHangup: Bool

    /// Opens the store, locks it, and wires everything up; nothing runs yet.
    ///
    /// - Throws: What makes starting impossible, in words for the operator.
    package init(
        _ configuration: GatewayConfiguration, clock: any WallClock = SystemClock(), logger: Logger
    ) async throws {
        let certificate = try configuration.tls.map { try CertificateWatch($0, clock: clock, logger: logger) }
        endsOnHangup = certificate == nil
        lock = configuration.postgresURL == nil ? try ServerLock(database: configuration.databasePath) : nil
        let opened = try await GatewayStore.open(
            configuration, activates: true, lock: lock, clock: clock, logger: logger)
        store = opened.store
        address = ListeningAddress(
            scheme: configuration.tls == nil ? "http" : "https", host: configuration.host, port: configuration.port,
            appURL: configuration.appURL)
        let ground = try await Ground(
            store: store, keyring: opened.keyring, settings: configuration.settings, clock: clock, logger: logger)
        engine = try await DeliveryEngine(ground, configuration) { [address] in address.appURL(told: nil) }
        let uploads = UploadQueue()
        let health = Self.health(configuration, certificate)
        let features = Features(
            ground, uploads: uploads, runner: engine.runner, resolver: engine.resolver,
            policy: engine.policy, operatorSender: { [engine] in engine.operatorSender },
            health: health,
            appURL: { [address] in address.appURL(told: $0) })
        users = features.users.operations
        firstToken = try await FirstRun.draw(in: store)
        let site = try configuration.site
        let pages = try DashboardRoutes(
            features, store: store, runner: engine.runner, site: site, passwordCost: configuration.passwordCost,
            facts: configuration.facts(startedAt: clock.now()))
        let router = GatewayRoutes(
            ground, features, pages: pages, site: site, lookups: { [resolver = engine.resolver] in resolver.counts },
            health: health, uploads: uploads
        ).router()
        (routes, pageRoutes) = GatewayRoutes.names(of: router)
        let web = try Self.application(router, configuration, certificate, address, logger)
        let watch = (store as? SQLiteStore).map { StoreWatch($0, logger: logger) }
        services =
            engine.services + [certificate].compactMap(\.self) + [watch].compactMap(\.self)
            + (try await features.services) + [
                engine.upkeep(features.pruners),
                web,
                // The last one is shut down first: its 5 s must not depend on clients that stall in the middle of a request.
                engine.dispatcher,
                // These only say so.
                StoreDeadline(store: store),
                ServiceManager(environment: ProcessInfo.processInfo.environment, address: address, store: store),
            ]
    }

    private static func health(
        _ configuration: GatewayConfiguration, _ certificate: CertificateWatch?
    ) -> @Sendable () -> ServerHealth {
        let folder = configuration.storageFolder
        return {
            var health = ServerHealth()
            health.certificateUntil = certificate?.validUntil
            health.freeBytes = folder.flatMap { FreeSpace.bytes(in: $0) }
            return health
        }
    }

    private static func application(
        _ router: Router<APIContext>, _ configuration: GatewayConfiguration, _ certificate: CertificateWatch?,
        _ address: ListeningAddress, _ logger: Logger
    ) throws -> some ApplicationProtocol {
        let connections = OpenConnections(limits: configuration.connections, proxies: configuration.trustedProxies)
        let http = HTTPServerBuilder { responder in
            LimitedHTTPChannel(responder: responder, connections: connections, limits: configuration.connections)
        }
        return Application(
            router: router, server: try certificate.map { try .tls(http, tlsConfiguration: $0.configuration) } ?? http,
            configuration: .init(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { channel in
                await AcceptGuard.watch(channel, logger: logger)
                address.listening(on: channel.localAddress, logger: logger)
            },
            logger: logger)
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
    ///   - signals: What asks for shutdown; if there are any, the hang-up of a terminal does, too, where there is no certificate
    ///     to be read again.
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
            gracefulShutdownSignals: signals + (endsOnHangup && !signals.isEmpty ? [.sighup] : []), logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(9)
        let group = ServiceGroup(configuration: configuration)
        defer { engine.resolver.shutdown() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { [address] in
                    // Who waits for the address must not wait for a server that could not start.
                    defer { address.stop() }
                    try await group.run()
                }
                tasks.addTask { [address, firstToken] in
                    guard let baseURL = await address.baseURL() else { return }
                    if let firstToken { FirstRun.tell(firstToken, at: address.appURL(told: nil), logger: logger) }
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
            await engine.shutdown()
            try await store.close()
            throw address.explain(error)
        }
        await engine.shutdown()
        try await store.close()
        withExtendedLifetime(lock) {}
    }
}
