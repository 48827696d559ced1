import Delivery
import Hummingbird
import Logging
import Secrets
import ServiceLifecycle
import Storage
import Timestamps

/// One part of the API, in a folder of its own: all that the rest of the server has to know of it.
protocol Feature: Sendable {
    /// Its tables, in the order in which they are made.
    static var migrations: [Migration] { get }

    /// Its tables with sealed values, which a rotation of the master key seals again.
    static var sealed: [SealedTable] { get }

    /// Adds its routes.
    func add(to routes: APIRoutes)

    /// Adds the routes of a protocol of its own, whose requests pass nothing that those of the API pass: no key is read, and no
    /// other origin let in.
    func addApart(to router: Router<APIContext>)

    /// What it does without being asked, in the order in which it starts.
    var services: [any Service] { get async throws }

    /// What it deletes when its time is over; asked by `Upkeep` once a minute.
    var pruners: [Upkeep.Pruner] { get }
}

extension Feature {
    static var migrations: [Migration] { [] }
    static var sealed: [SealedTable] { [] }
    func add(to routes: APIRoutes) {}
    func addApart(to router: Router<APIContext>) {}
    var services: [any Service] { [] }
    var pruners: [Upkeep.Pruner] { [] }
}

/// Where features add their routes: one group for each kind of request.
struct APIRoutes {
    /// Requests that need no key.
    let open: Router<APIContext>
    private let idempotency: Idempotency
    /// Requests of an account.
    let users: RouterGroup<UserContext>
    /// Requests of an account or of one of its phones.
    let phones: RouterGroup<PhoneContext>

    init(open: Router<APIContext>, idempotency: Idempotency) {
        self.open = open
        self.idempotency = idempotency
        users = Self.group(open, idempotency, .json(limit: RequestBody.usualLimit))
        phones = Self.group(open, idempotency, .json(limit: RequestBody.usualLimit))
    }

    /// Requests of an account or of one of its phones, with JSON of at most `limit` bytes.
    func phones(limit: Int) -> RouterGroup<PhoneContext> { Self.group(open, idempotency, .json(limit: limit)) }

    /// Requests of an account with files of at most `limit` bytes.
    func forms(limit: Int) -> RouterGroup<UserContext> { Self.group(open, idempotency, .form(limit: limit)) }

    /// Routes of which a POST may carry an `Idempotency-Key`.
    private static func group<Context: IdempotentContext & ChildRequestContext>(
        _ router: Router<APIContext>, _ idempotency: Idempotency, _ body: IdempotentBody
    ) -> RouterGroup<Context> where Context.ParentContext == APIContext {
        router.group(context: Context.self).add(middleware: IdempotencyMiddleware(idempotency: idempotency, body: body))
    }
}

/// What every feature stands on.
package struct Ground: Sendable {
    /// Where everything lives.
    package let store: any Store
    /// What time it is.
    package let clock: any WallClock
    /// Whether the clock was set.
    package let clocks: ClockGuard
    /// Opens and seals what is stored encrypted.
    package let keyring: Keyring
    /// Webhooks as the engine stores them.
    package let endpoints: EndpointQueries
    /// Who makes a request.
    package let identities: Identities
    /// When each phone key was used last.
    package let uses: PhoneKeyUses
    /// When each access key was used last.
    package let accessKeyUses: AccessKeyUses
    /// What the operator says.
    package let settings: SettingValues
    /// How much an invited account may have.
    package let quotas: Quotas
    /// When the server was alive last, before this start; nil when it never was.
    package let lastAlive: Timestamp?
    /// What a folder of attachments names this store by; nil where no server with such a folder ever started.
    package let storeID: String?
    /// What the engine counts.
    package let metrics: DeliveryMetrics
    /// Told of rows that cannot be read.
    package let unreadable: UnreadableRows
    /// Where everything is told.
    package let logger: Logger

    /// Asks the store when the server was alive last, and for its id.
    package init(
        store: any Store, keyring: Keyring, settings: SettingValues, clock: any WallClock, logger: Logger
    ) async throws {
        self.store = store
        self.clock = clock
        self.keyring = keyring
        self.settings = settings
        quotas = settings.quotas
        self.logger = logger
        lastAlive = try await store.read(.maintenance) { tx in try HeartbeatQueries.lastAlive(in: tx) }
        storeID = try await store.read(.maintenance) { tx in try AttachmentQueries.storeID(in: tx) }
        clocks = ClockGuard(clock, lastAlive: lastAlive)
        endpoints = EndpointQueries(keyring: keyring)
        uses = PhoneKeyUses(store: store, clock: clock, logger: logger)
        accessKeyUses = AccessKeyUses(store: store, clock: clock, logger: logger)
        identities = Identities(store: store, uses: uses, accessKeys: accessKeyUses)
        metrics = DeliveryMetrics()
        unreadable = store.unreadable
        unreadable.tell(logger) { [metrics] in metrics.unreadable() }
    }

    /// Does what is due by a column of the store; see `Sweep`.
    package func sweep(
        _ name: String, on topic: Wakeups.Topic, longestPause: Duration = .seconds(1), interval: Duration = .zero,
        work: @escaping @Sendable (any Transaction) throws -> Sweep.Outcome
    ) -> Sweep {
        Sweep(
            name, on: topic, store: store, clock: clock, longestPause: longestPause, interval: interval, logger: logger,
            work: work)
    }
}
