import Delivery
import HTTPTypes
import Hummingbird
import Timestamps

/// Every route of the server, and what each request passes on its way to them.
struct GatewayRoutes {
    private let answerHeaders: AnswerHeadersMiddleware
    private let forwarding: ForwardingMiddleware
    private let bodies: BodyMemoryMiddleware
    private let health: HealthRoutes
    private let metrics: MetricsRoutes
    private let identities: Identities
    private let refusals = PhoneReportRefusals()
    private let idempotency: Idempotency
    private let features: [any Feature]
    private let dashboard: Dashboard

    /// - Throws: When APP_URL or a template cannot be parsed.
    init(
        _ ground: Ground, _ features: Features, _ engine: DeliveryEngine, _ configuration: GatewayConfiguration,
        uploads: UploadQueue
    ) throws {
        let store = ground.store
        let site = PageSite(
            speaksTLS: configuration.tls != nil, appURL: try configuration.appURL.map { try CallbackURL($0) })
        answerHeaders = AnswerHeadersMiddleware(isSecure: site.isServedOverTLS)
        forwarding = ForwardingMiddleware(
            proxies: TrustedProxies(networks: configuration.trustedProxies), unlisted: UnlistedProxies(store: store))
        bodies = BodyMemoryMiddleware(
            memory: BodyMemory(limit: configuration.requestBodyMemory), uploads: uploads)
        health = HealthRoutes(store: store)
        metrics = MetricsRoutes(
            store: store, metrics: ground.metrics, lookups: { [resolver = engine.resolver] in resolver.counts },
            clock: ground.clock, clocks: ground.clocks, refusals: refusals, site: site,
            token: configuration.metricsToken)
        identities = ground.identities
        idempotency = Idempotency(store: store, queries: features.requests.queries)
        self.features = features.all
        dashboard = try Dashboard(
            features, store: store, runner: engine.runner, site: site,
            offlineAfter: configuration.heartbeatOfflineAfter,
            system: SystemFacts(configuration, startedAt: ground.clock.now()))
    }

    /// The router: paths match without regard to case or a slash at the end (K3), and GET routes answer HEAD too.
    func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: [.caseInsensitive, .autoGenerateHeadEndpoints])
        router.add(middleware: answerHeaders)
        health.add(to: router)
        router.add(middleware: forwarding)
        router.add(middleware: AccessLogMiddleware())
        router.add(middleware: bodies)
        // Before the pages: what is not found there is no page.
        for feature in features { feature.addApart(to: router) }
        dashboard.add(to: router)
        // Before other origins are let in: a browser on this machine must not read metrics for a web site.
        let local = router.group()
        local.add(middleware: ErrorMiddleware())
        metrics.add(to: local)
        // Outside of the errors: it adds its headers to their answers, and would wrap what is thrown through it.
        router.add(middleware: PreflightMiddleware())
        router.add(middleware: PreflightMiddleware.crossOrigin)
        router.add(middleware: ErrorMiddleware())
        DocumentationRoutes().add(to: router)
        router.add(middleware: LoopMiddleware())
        router.add(middleware: AuthenticationMiddleware(identities: identities))
        router.add(middleware: PhoneReportMiddleware(refusals: refusals))
        router.add(middleware: ContentEncodingMiddleware())
        let routes = APIRoutes(open: router, idempotency: idempotency)
        for feature in features { feature.add(to: routes) }
        return router
    }

    /// The routes of the API and those of pages, each as `GET /v1/messages/{messageID}`, without HEAD.
    static func names(of router: Router<APIContext>) -> (api: [String], pages: [String]) {
        let all = router.routes.filter { $0.method != .head }.map {
            (path: "\($0.path)", name: "\($0.method) \($0.path)")
        }
        return (
            all.filter { !Dashboard.isPage($0.path) && !MobileRoutes.isMobile($0.path) }.map(\.name),
            all.filter { Dashboard.isPage($0.path) }.map(\.name)
        )
    }
}
