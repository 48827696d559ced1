import HTTPTypes
import Hummingbird

/// Every route of the server, and what each request passes on its way to them.
struct GatewayRoutes {
    let answerHeaders: AnswerHeadersMiddleware
    let forwarding: ForwardingMiddleware
    let bodies: BodyMemoryMiddleware
    let health: HealthRoutes
    let metrics: MetricsRoutes
    let identities: Identities
    let refusals: PhoneReportRefusals
    let idempotency: Idempotency
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
    let devices: DeviceRoutes
    let mobile: MobileRoutes
    let dashboard: Dashboard

    /// The router: paths match without regard to case or a slash at the end (K3), and GET routes answer HEAD too.
    func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: [.caseInsensitive, .autoGenerateHeadEndpoints])
        router.add(middleware: answerHeaders)
        health.add(to: router)
        router.add(middleware: forwarding)
        router.add(middleware: AccessLogMiddleware())
        router.add(middleware: bodies)
        // Before the pages: what is not found there is no page, and no other origin is let in.
        mobile.add(to: router)
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
        attachments.add(to: router)

        let userGroup = group(router, UserContext.self, .json(limit: RequestBody.usualLimit))
        let phoneGroup = group(router, PhoneContext.self, .json(limit: RequestBody.usualLimit))
        phoneMessages.add(
            to: phoneGroup,
            receiving: group(router, PhoneContext.self, .json(limit: PhoneMessageRoutes.receiveLimit)))
        heartbeats.add(users: userGroup, phones: phoneGroup)
        phones.add(users: userGroup, phones: phoneGroup)
        messages.add(to: userGroup)
        bulkMessages.add(to: group(router, UserContext.self, .form(limit: BulkMessageRoutes.bodyLimit)))
        sendSchedules.add(to: userGroup)
        threads.add(to: userGroup)
        phoneAPIKeys.add(to: userGroup)
        webhooks.add(to: userGroup)
        webhookActions.add(to: userGroup)
        deliveries.add(to: userGroup)
        events.add(to: userGroup)
        devices.add(to: userGroup)
        users.add(to: userGroup)
        return router
    }

    /// Routes of which a POST may carry an `Idempotency-Key`.
    private func group<Context: IdempotentContext & ChildRequestContext>(
        _ router: Router<APIContext>, _ context: Context.Type, _ body: IdempotentBody
    ) -> RouterGroup<Context> where Context.ParentContext == APIContext {
        router.group(context: context).add(middleware: IdempotencyMiddleware(idempotency: idempotency, body: body))
    }
}
