import Delivery
import HTTPTypes
import Hummingbird
import Secrets
import Storage
import Timestamps

/// Every route of the server, and what each request passes on its way to them.
package struct GatewayRoutes {
    private let answerHeaders: AnswerHeadersMiddleware
    private let forwarding: ForwardingMiddleware
    private let bodies: BodyMemoryMiddleware
    private let health: HealthRoutes
    private let metrics: MetricsRoutes
    private let identities: Identities
    private let refusals = PhoneReportRefusals()
    private let idempotency: Idempotency
    private let audit: AuditTrail
    private let features: [any Feature]
    private let dashboard: Dashboard
    private let agents: AgentRoutes

    /// What the operator says, as far as routes want to know.
    package struct Settings: Sendable {
        /// Whether the server itself speaks TLS.
        package var speaksTLS: Bool
        /// The configured APP_URL; nil stands for what a request or the listening address says.
        package var appURL: String?
        /// Networks of which a proxy's word counts.
        package var trustedProxies: [Network]
        /// Bytes of memory for bodies of requests.
        package var requestBodyMemory: Int
        /// What `/metrics` asks for from elsewhere; nil keeps it on loopback.
        package var metricsToken: Secret<String>?
        /// What a new password's hash costs.
        package var passwordCost: PasswordCost
        /// What the system page shows.
        package var facts: SystemFacts

        /// Says it all.
        package init(
            speaksTLS: Bool, appURL: String?, trustedProxies: [Network], requestBodyMemory: Int,
            metricsToken: Secret<String>?, passwordCost: PasswordCost, facts: SystemFacts
        ) {
            self.speaksTLS = speaksTLS
            self.appURL = appURL
            self.trustedProxies = trustedProxies
            self.requestBodyMemory = requestBodyMemory
            self.metricsToken = metricsToken
            self.passwordCost = passwordCost
            self.facts = facts
        }
    }

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - features: All there are.
    ///   - runner: Makes attempts of deliveries.
    ///   - lookups: How many names were looked up.
    ///   - machine: What is known of the machine.
    ///   - uploads: Where files are read, accounts in turn.
    ///   - settings: What the operator says.
    /// - Throws: When APP_URL or a template cannot be parsed.
    package init(
        _ ground: Ground, _ features: Features, runner: AttemptRunner, lookups: @escaping @Sendable () -> LookupCounts,
        health machine: @escaping @Sendable () -> ServerHealth, uploads: UploadQueue, settings: Settings
    ) throws {
        let store = ground.store
        let site = PageSite(
            speaksTLS: settings.speaksTLS, appURL: try settings.appURL.map { try CallbackURL($0) })
        answerHeaders = AnswerHeadersMiddleware(isSecure: site.isServedOverTLS)
        forwarding = ForwardingMiddleware(
            proxies: TrustedProxies(networks: settings.trustedProxies), unlisted: UnlistedProxies(store: store))
        bodies = BodyMemoryMiddleware(memory: BodyMemory(limit: settings.requestBodyMemory), uploads: uploads)
        health = HealthRoutes(store: store)
        metrics = MetricsRoutes(
            store: store, metrics: ground.metrics, lookups: lookups, clock: ground.clock, clocks: ground.clocks,
            refusals: refusals, health: machine, startedAt: ground.clock.now(), site: site, token: settings.metricsToken
        )
        identities = ground.identities
        idempotency = Idempotency(store: store, queries: features.requests.queries)
        audit = features.audit.trail
        self.features = features.all
        agents = AgentRoutes(site: site, identities: ground.identities)
        dashboard = try Dashboard(features, store: store, runner: runner, site: site, settings: settings)
    }

    /// The router: paths match without regard to case or a slash at the end (K3), and GET routes answer HEAD too.
    package func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: [.caseInsensitive, .autoGenerateHeadEndpoints])
        router.add(middleware: answerHeaders)
        health.add(to: router)
        router.add(middleware: forwarding)
        router.add(middleware: AccessLogMiddleware())
        router.add(middleware: bodies)
        // Before the pages: what is not found there is no page.
        for feature in features { feature.addApart(to: router) }
        agents.add(to: router, api: inside().buildResponder())
        dashboard.add(to: router)
        // Before other origins are let in: a browser on this machine must not read metrics for a web site.
        let local = router.group()
        local.add(middleware: ErrorMiddleware())
        metrics.add(to: local)
        // Outside of the errors: it adds its headers to their answers, and would wrap what is thrown through it.
        router.add(middleware: PreflightMiddleware())
        router.add(middleware: PreflightMiddleware.crossOrigin)
        let methods = MethodsOfPaths()
        router.add(middleware: MethodMiddleware(methods: methods))
        router.add(middleware: ErrorMiddleware())
        DocumentationRoutes().add(to: router)
        addAPI(to: router)
        methods.learn(of: router)
        return router
    }

    /// The API for what calls it inside of this process: a router of its own, so that none of its calls can lead to another.
    private func inside() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: [.caseInsensitive])
        router.add(middleware: AccessLogMiddleware())
        router.add(middleware: bodies)
        router.add(middleware: ErrorMiddleware())
        addAPI(to: router)
        return router
    }

    private func addAPI(to router: Router<APIContext>) {
        router.add(middleware: LoopMiddleware())
        router.add(middleware: AuthenticationMiddleware(identities: identities))
        router.add(middleware: PhoneReportMiddleware(refusals: refusals))
        router.add(middleware: AuditMiddleware(trail: audit))
        router.add(middleware: ContentEncodingMiddleware())
        let routes = APIRoutes(open: router, idempotency: idempotency)
        for feature in features { feature.add(to: routes) }
    }

    /// The routes of the API and those of pages, each as `GET /v1/messages/{messageID}`, without HEAD. Protocols of others, that of
    /// the SMSGate app and that of agents, are neither.
    package static func names(of router: Router<APIContext>) -> (api: [String], pages: [String]) {
        let all = router.routes.filter { $0.method != .head }.map {
            (path: "\($0.path)", name: "\($0.method) \($0.path)")
        }
        return (
            all.filter {
                !Dashboard.isPage($0.path) && !MobileRoutes.isMobile($0.path) && !AgentRoutes.isAgents($0.path)
            }.map(\.name),
            all.filter { Dashboard.isPage($0.path) }.map(\.name)
        )
    }
}
