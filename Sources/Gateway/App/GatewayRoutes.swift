import HTTPTypes
import Hummingbird

/// Every route of the server, and what each request passes on its way to them.
struct GatewayRoutes {
    let answerHeaders: AnswerHeadersMiddleware
    let forwarding: ForwardingMiddleware
    let health: HealthRoutes
    let metrics: MetricsRoutes
    let identities: Identities
    let idempotency: IdempotencyMiddleware
    let users: UserRoutes
    let phoneAPIKeys: PhoneAPIKeyRoutes
    let phones: PhoneRoutes
    let heartbeats: HeartbeatRoutes
    let messages: MessageRoutes
    let bulkMessages: BulkMessageRoutes
    let sendSchedules: SendScheduleRoutes
    let threads: MessageThreadRoutes
    let phoneMessages: PhoneMessageRoutes
    let attachments: AttachmentRoutes
    let webhooks: WebhookRoutes
    let webhookActions: WebhookActions
    let deliveries: DeliveryRoutes
    let events: EventRoutes
    let dashboard: Dashboard

    /// The router: paths match without regard to case or a slash at the end (K3), and GET routes answer HEAD too.
    func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: [.caseInsensitive, .autoGenerateHeadEndpoints])
        router.add(middleware: answerHeaders)
        health.add(to: router)
        router.add(middleware: forwarding)
        router.add(middleware: AccessLogMiddleware())
        dashboard.add(to: router)
        // Before other origins are let in: a browser on this machine must not read metrics for a web site.
        let local = router.group()
        local.add(middleware: ErrorMiddleware())
        metrics.add(to: local)
        // Outside of the errors: it adds its headers to their answers, and would wrap what is thrown through it.
        router.add(middleware: Self.crossOrigin)
        router.add(middleware: ErrorMiddleware())
        DocumentationRoutes().add(to: router)
        router.add(middleware: LoopMiddleware())
        router.add(middleware: AuthenticationMiddleware(identities: identities))
        router.add(middleware: idempotency)
        attachments.add(to: router)

        let userGroup = router.group(context: UserContext.self)
        let phoneGroup = router.group(context: PhoneContext.self)
        phoneMessages.add(to: phoneGroup)
        heartbeats.add(users: userGroup, phones: phoneGroup)
        phones.add(users: userGroup, phones: phoneGroup)
        messages.add(to: userGroup)
        bulkMessages.add(to: userGroup)
        sendSchedules.add(to: userGroup)
        threads.add(to: userGroup)
        phoneAPIKeys.add(to: userGroup)
        webhooks.add(to: userGroup)
        webhookActions.add(to: userGroup)
        deliveries.add(to: userGroup)
        events.add(to: userGroup)
        users.add(to: userGroup)
        return router
    }

    /// Any page may call with a key; cookies are never read here (contract 1.2).
    private static let crossOrigin = CORSMiddleware<APIContext>(
        allowOrigin: .all,
        allowHeaders: [.accept, .authorization, .contentType, .apiKey, .clientVersion, .idempotencyKey],
        allowMethods: [.get, .post, .put, .delete, .options], exposedHeaders: ["*"])
}
