import Delivery
import HTTPTypes
import Hummingbird
import Secrets
import Storage
import Timestamps

/// Every route of the server, and what each request passes on its way to them.
package struct GatewayRoutes: Sendable {
    private let answerHeaders: AnswerHeadersMiddleware
    private let forwarding: ForwardingMiddleware
    private let bodies: BodyMemoryMiddleware
    private let answers: AnswerMemoryMiddleware
    private let health: HealthRoutes
    private let metrics: MetricsRoutes
    private let identities: Identities
    private let refusals = PhoneReportRefusals()
    private let idempotency: Idempotency
    private let audit: AuditTrail
    private let features: [any Feature]
    private let pages: any PageRoutes
    private let agents: AgentRoutes

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - features: All there are.
    ///   - pages: The pages for people, where there are any.
    ///   - site: Under which names this server is reached.
    ///   - lookups: How many names were looked up.
    ///   - machine: What is known of the machine.
    ///   - uploads: Where files are read, accounts in turn.
    package init(
        _ ground: Ground, _ features: Features, pages: any PageRoutes, site: ServerSite,
        lookups: @escaping @Sendable () -> LookupCounts, health machine: @escaping @Sendable () -> ServerHealth,
        uploads: UploadQueue
    ) {
        let (store, settings) = (ground.store, ground.settings)
        answerHeaders = AnswerHeadersMiddleware(isSecure: site.isServedOverTLS)
        forwarding = ForwardingMiddleware(
            proxies: TrustedProxies(networks: settings.trustedProxies), unlisted: UnlistedProxies(store: store))
        bodies = BodyMemoryMiddleware(memory: BodyMemory(limit: settings.requestBodyMemory), uploads: uploads)
        answers = AnswerMemoryMiddleware(
            memory: AnswerMemory(limit: settings.requestBodyMemory), turns: UploadQueue())
        health = HealthRoutes(store: store, attachments: features.attachments.watch)
        metrics = MetricsRoutes(
            store: store, metrics: ground.metrics, lookups: lookups, clock: ground.clock, clocks: ground.clocks,
            refusals: refusals, health: features.attachments.health(beside: machine), startedAt: ground.clock.now(),
            site: site, token: settings.metricsToken)
        identities = ground.identities
        idempotency = Idempotency(store: store, queries: features.requests.queries)
        audit = features.audit.trail
        self.features = features.all
        agents = AgentRoutes(site: site, identities: ground.identities)
        self.pages = pages
    }

    /// The router: paths match without regard to case or a slash at the end (K3), and GET routes answer HEAD too.
    package func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: [.caseInsensitive, .autoGenerateHeadEndpoints])
        router.add(middleware: answerHeaders)
        health.add(to: router)
        router.add(middleware: forwarding)
        router.add(middleware: AccessLogMiddleware())
        router.add(middleware: answers)
        router.add(middleware: bodies)
        // Before the pages: what is not found there is no page.
        for feature in features { feature.addApart(to: router) }
        agents.add(to: router, api: FirstUse { inside().buildResponder() })
        pages.add(to: router)
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
                !isPage($0.path) && !MobileRoutes.isMobile($0.path) && !AgentRoutes.isAgents($0.path)
            }.map(\.name),
            all.filter { isPage($0.path) }.map(\.name)
        )
    }

    /// Whether what is at `path` belongs to the pages: to none of the API, the documentation and protocols of others.
    ///
    /// - Parameter path: A path of a request or a route.
    /// - Returns: False for what is below one of the API's own addresses.
    package static func isPage(_ path: String) -> Bool {
        let first = path.split(separator: "/").first?.lowercased()
        let others = [
            "v1", "api", "mobile", "health", "metrics", "docs", "llms.txt", "llms-full.txt", "mcp", "playground",
        ]
        return first.map { !others.contains($0) } ?? true
    }
}

/// The pages for people, which stand above the API and are added between what all requests pass and what the API's do.
package protocol PageRoutes: Sendable {
    /// Adds the pages, and what they pass.
    ///
    /// - Parameter router: The server's.
    func add(to router: Router<APIContext>)
}
