import Delivery
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Secrets
import Storage
import Timestamps
import Wire

/// Settings > Webhooks: the list, one webhook with its deliveries, and what can be done to it. The rules are those of the
/// API, whose operations are called.
struct WebhookPages: SignedInPages {
    let operations: WebhookOperations
    let forms: WebhookForms
    let views: PageViews

    static let path = "/settings/webhooks"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/settings/webhooks", use: list)
        group.get("/settings/webhooks/new", use: forms.new)
        group.post("/settings/webhooks/new", use: forms.create)
        group.get("/settings/webhooks/:webhookID", use: show)
        group.get("/settings/webhooks/:webhookID/edit", use: forms.edit)
        group.post("/settings/webhooks/:webhookID/edit", use: forms.update)
        group.post("/settings/webhooks/:webhookID/test", use: test)
        group.post("/settings/webhooks/:webhookID/pause") { _, context in
            try await act(context, .paused) { try await operations.pause($0, userID: context.userID) }
        }
        group.post("/settings/webhooks/:webhookID/resume") { _, context in
            try await act(context, .resumed) { try await operations.resume($0, rate: nil, userID: context.userID) }
        }
        group.post("/settings/webhooks/:webhookID/rotate") { _, context in
            try await act(context, .rotated) {
                try await operations.rotate(
                    $0, to: SigningKey.random(), overlap: .seconds(86_400), userID: context.userID)
            }
        }
        group.post("/settings/webhooks/:webhookID/retry", use: retry)
        group.post("/settings/webhooks/:webhookID/delete", use: delete)
    }

    private struct ListContent {
        let isEmpty: Bool
        let webhooks: [WebhookSummary]
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let webhooks = try await operations.store.read(.user(userID)) { [endpoints = operations.endpoints] tx in
            let hours = try HourlyCounts.counts(userID: userID, since: HourChart.start(tx.now), in: tx)
            return try endpoints.reports(userID: userID, containing: "", skip: 0, limit: 100, in: tx).map { report in
                WebhookSummary(report, hours: hours[report.endpoint.id] ?? [], now: tx.now)
            }
        }
        return views.page(
            .webhooks, "Webhooks", ListContent(isEmpty: webhooks.isEmpty, webhooks: webhooks), context)
    }

    private struct Content {
        let webhook: WebhookSummary
        /// Why deliveries fail; empty while they do not.
        let issues: [IssueLine]
        let hasPreviousKey: Bool
        let previousKeyExpiresAt: String
        let deliveries: [DeliveryLine]
        let hasDeliveries: Bool
        /// Whether a filter is set.
        let isNarrowed: Bool
        let statuses: [Choice]
        let types: [Choice]
        let filter: FilterContent
        /// Whether what failed of all that fits can be sent again at once: not where nothing failed can fit.
        let mayRetryAll: Bool
        let nextPage: String?
        /// Set on the first page only: nothing new comes to the others.
        let isLive: Bool
    }

    /// What the list of deliveries is narrowed to, as its form has it.
    private struct FilterContent {
        let type: String
        let code: String
        let contact: String
        let since: String
        let until: String
        let isTried: Bool
        let zone: String
        /// Whether those that are folded are shown unfolded.
        let isSet: Bool

        init(_ filter: DeliveryHistory.Filter, contact: String, _ times: PageTimes) {
            self.contact = contact
            type = filter.eventType ?? ""
            isTried = filter.isTried ?? false
            code = filter.statusCode.map(String.init) ?? ""
            since = filter.since.map { times.field($0) } ?? ""
            until = filter.until.map { times.field($0) } ?? ""
            zone = times.zoneName
            isSet = isTried || ![code, contact, since, until].allSatisfy(\.isEmpty)
        }
    }

    private func show(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("webhookID", of: EndpointID.self), context.userID)
        let parameters = QueryParameters(request)
        var filter = DeliveryHistory.Filter()
        let isTrying = parameters["status"] == DeliveryLine.trying
        filter.status = isTrying ? .pending : parameters["status"].flatMap(DeliveryRecord.Status.init(rawValue:))
        filter.eventType = parameters["event_type"].flatMap(EventType.init(rawValue:))?.rawValue
        let times = context.page.times
        filter.statusCode = parameters["status_code"].flatMap { Int($0.trimmed) }
        filter.isTried = parameters["tried"] == "true" ? true : nil
        filter.since = parameters["since"].flatMap { times.time(ofField: $0) }
        filter.until = parameters["until"].flatMap { times.time(ofField: $0) }
        filter.before = parameters["before"].flatMap { DeliveryID($0) }
        let shown = FilterContent(filter, contact: parameters.rawNumber("contact").trimmed, times)
        if isTrying { filter.isTried = true }
        let status = isTrying ? DeliveryLine.trying : filter.status?.rawValue
        let found = try await operations.store.read(.user(userID)) { [endpoints = operations.endpoints, filter] tx in
            var filter = filter
            if !shown.contact.isEmpty { try filter.keep(with: shown.contact, of: userID, in: tx) }
            return try endpoints.report(id, userID: userID, in: tx).map { report in
                (
                    summary: WebhookSummary(
                        report,
                        hours: try HourlyCounts.counts(userID: userID, since: HourChart.start(tx.now), in: tx)[id]
                            ?? [], now: tx.now),
                    issues: try report.isFailing
                        ? DeliveryIssues.list(of: id, after: tx.now - Self.issueAge, in: tx) : [],
                    previous: report.endpoint.previousSigningKey,
                    page: try DeliveryHistory.list(endpoint: id, filter, limit: Self.pageSize + 1, in: tx)
                )
            }
        }
        guard let found else { throw PageError.notFound }
        let page = found.page.prefix(Self.pageSize)
        let next = found.page.count > Self.pageSize ? page.last?.id : nil
        let isNarrowed = filter.status != nil || !shown.type.isEmpty || shown.isSet
        let mayHaveFailed = filter.status == nil || filter.status == .failed
        return views.page(
            .webhook, "Webhook",
            Content(
                webhook: found.summary, issues: found.issues.map { IssueLine($0, url: found.summary.url) },
                hasPreviousKey: found.previous != nil,
                previousKeyExpiresAt: found.previous.map { PageTime.shown($0.expiresAt) } ?? "",
                deliveries: page.map(DeliveryLine.init), hasDeliveries: !page.isEmpty, isNarrowed: isNarrowed,
                statuses: Choice.all(Self.statuses, chosen: status),
                types: Choice.all(EventType.allCases.map(\.rawValue), chosen: filter.eventType),
                filter: shown, mayRetryAll: isNarrowed && mayHaveFailed && !page.isEmpty,
                nextPage: next.map { id in
                    PageLink.to(
                        "",
                        [
                            "status": status ?? "", "event_type": shown.type,
                            "status_code": shown.code, "contact": shown.contact, "since": shown.since,
                            "until": shown.until, "tried": shown.isTried ? "true" : "", "before": id.text,
                        ])
                }, isLive: filter.before == nil),
            context)
    }

    private func test(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let type = EventType(rawValue: context.form.text("event")) ?? .messageReceived
        let id = try context.id("webhookID", of: EndpointID.self)
        let delivery = try await operations.test(
            id, type, userID: context.userID, source: "/v1/webhooks/\(id)/test", receipt: .unkept)
        return .seeOther("/deliveries/\(delivery.id)")
    }

    /// Sends those deliveries again that were chosen; what was cancelled stays so.
    private func retry(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("webhookID", of: EndpointID.self), context.userID)
        let webhook = try await operations.store.read(.user(userID)) { [endpoints = operations.endpoints] tx in
            try endpoints.find(id, userID: userID, in: tx)
        }
        guard webhook != nil else { throw PageError.notFound }
        let chosen = context.form.list("delivery").prefix(Self.pageSize).compactMap { DeliveryID($0) }
        guard let count = try await DeliveryRetry.begin(chosen.unique, userID: userID, in: operations.store) else {
            throw PageError.notFound
        }
        return .seeOther("\(Self.path)/\(id)", count > 0 ? .retried : .unchosen)
    }

    private func delete(_ request: Request, _ context: SignedInContext) async throws -> Response {
        guard try await operations.delete(context.id("webhookID", of: EndpointID.self), userID: context.userID) else {
            throw PageError.notFound
        }
        return .seeOther(Self.path, .deleted)
    }

    private func act(
        _ context: SignedInContext, _ notice: PageNotice,
        _ action: (EndpointID) async throws -> EndpointReport?
    ) async throws -> Response {
        let id = try context.id("webhookID", of: EndpointID.self)
        guard try await action(id) != nil else { throw PageError.notFound }
        return .seeOther("\(Self.path)/\(id)", notice)
    }

    private static let pageSize = 25
    /// What deliveries can be narrowed to: their states, and those of one that were tried in vain.
    private static let statuses =
        ["pending", DeliveryLine.trying] + DeliveryRecord.Status.allCases.dropFirst().map(\.rawValue)
    /// As long as *Needs attention* asks about failures.
    private static let issueAge: Duration = .seconds(7 * 86_400)
}
