import Delivery
import Gateway
import Hummingbird
import Secrets
import Storage
import Timestamps
import Wire

/// Settings > Alerts: what is wrong, where the account is told of it, and when it is not.
struct AlertPages: SignedInPages {
    let operations: AlertOperations
    let users: UserOperations
    let receipts: FormReceipts
    let views: PageViews

    static let path = "/settings/alerts"

    func add(to group: RouterGroup<SignedInContext>) {
        let forms = AlertForms(operations: operations, receipts: receipts, views: views)
        group.get("/settings/alerts") { _, context in try await show(context) }
        group.get("/settings/alerts/new") { _, context in forms.new(context) }
        group.post("/settings/alerts/new") { _, context in try await forms.create(context) }
        group.get("/settings/alerts/:webhookID/edit") { _, context in try await forms.edit(context) }
        group.post("/settings/alerts/:webhookID/edit") { _, context in try await forms.update(context) }
        group.post("/settings/alerts/quiet") { _, context in try await setQuietHours(context) }
        group.post("/settings/alerts/e-mail") { _, context in
            let wanted = Set(context.form.list("about").compactMap(MailSwitch.init(rawValue:)))
            _ = try await users.change(context.userID) { user, _ in
                for mail in MailSwitch.allCases { user[keyPath: mail.setting] = wanted.contains(mail) }
            }
            return Response.seeOther(Self.path, .saved)
        }
        group.post("/settings/alerts/:webhookID/test") { _, context in
            let id = try context.id("webhookID", of: EndpointID.self)
            let delivery = try await operations.test(id, userID: context.userID, receipt: .unkept)
            return Response.seeOther("/deliveries/\(delivery.id)")
        }
        group.post("/settings/alerts/:webhookID/delete") { _, context in
            let id = try context.id("webhookID", of: EndpointID.self)
            guard try await operations.delete(id, userID: context.userID) else { throw PageError.notFound }
            return Response.seeOther(Self.path, .deleted)
        }
    }

    private struct Content {
        let alerts: [Line]
        let isWatched: Bool
        let places: [Place]
        let isFull: Bool
        let causes: [String]
        /// Whether this server sends e-mail.
        let mails: Bool
        let email: String
        let switches: [Choice]
        let zone: String
        let quietFrom: String
        let quietUntil: String
        let fromProblems: [String]
        let untilProblems: [String]
    }

    /// Something that is wrong.
    private struct Line {
        let title: String
        let subject: String
        /// Where it is seen; nil where no page shows it.
        let subjectPath: String?
        let advice: String
        let since: String
        let state: String

        init(_ alert: Alert) {
            let condition = alert.condition
            title = condition.cause.words
            switch condition.cause {
            case .phoneOffline: (subject, subjectPath) = (condition.subject, AttentionPages.path)
            case .webhookFailing, .webhookDisabled, .deliveryFailed:
                (subject, subjectPath) = ("the webhook", "\(WebhookPages.path)/\(condition.subject)")
            default: (subject, subjectPath) = ("", nil)
            }
            advice = condition.advice
            since = PageTime.shown(alert.openedAt)
            state =
                switch (alert.clearedAt, alert.toldAt) {
                case (.some, _): "seems to be over"
                case (nil, .some): "told"
                case (nil, nil): "not told yet: quiet hours"
                }
        }
    }

    /// A webhook for alerts.
    private struct Place {
        let path: String
        let url: String
        let format: String
        /// What it is told of.
        let told: String
        let status: String
        let reason: String?
        let lastSuccess: String?
        let lastFailure: String?

        init(_ webhook: AlertWebhook) {
            let report = webhook.report
            let hasChanges = webhook.causes.hasChanges
            if let alerts = webhook.causes.alerts {
                let changes = hasChanges ? ["Each change in the account"] : []
                told = "told only: " + (alerts.map(\.words) + changes).joined(separator: "; ")
            } else {
                told = hasChanges ? "told of everything, and of each change in the account" : "told of everything"
            }
            path = "\(AlertPages.path)/\(report.endpoint.id)"
            url = report.endpoint.url
            format = PayloadFields.label(of: report.endpoint.payloadFormat.name)
            let state = WebhookState(report)
            status = state.status
            reason = state.reason
            lastSuccess = report.lastSuccessAt.map(PageTime.shown)
            lastFailure = report.lastFailureAt.map(PageTime.shown)
        }
    }

    private func show(
        _ context: SignedInContext, typed: (from: String, until: String)? = nil, refusal: Refusal? = nil
    ) async throws -> Response {
        let userID = context.userID
        let user = try await users.user(userID)
        let (alerts, settings) = try await operations.store.read(.user(userID)) { tx in
            (try AlertQueries.list(of: userID, in: tx), try AlertQueries.settings(of: userID, in: tx))
        }
        let places = try await operations.webhooks(of: userID)
        let problems = PageProblems.all(refusal)
        let causes = AlertCause.all(ofServer: context.session.isOwner)
        return views.page(
            .alerts, "Alerts",
            Content(
                alerts: alerts.prefix(AlertChange.most).map(Line.init), isWatched: operations.mails || !places.isEmpty,
                places: places.map(Place.init), isFull: places.count >= AlertOperations.maximum,
                causes: causes.map(\.sentence), mails: operations.mails, email: user.email,
                switches: MailSwitch.allCases.map {
                    Choice(value: $0.rawValue, isChosen: user[keyPath: $0.setting], note: $0.words)
                },
                zone: context.page.times.zoneName,
                quietFrom: typed?.from ?? settings.quietFrom.map(ClockTime.text) ?? "",
                quietUntil: typed?.until ?? settings.quietUntil.map(ClockTime.text) ?? "",
                fromProblems: problems["quiet_from"] ?? [], untilProblems: problems["quiet_until"] ?? []),
            context, status: refusal?.status ?? .ok)
    }

    private func setQuietHours(_ context: SignedInContext) async throws -> Response {
        let form = context.form
        let typed = (from: form.text("quiet_from"), until: form.text("quiet_until"))
        do {
            try await operations.set(AlertSettings(from: typed.from, until: typed.until), userID: context.userID)
            return .seeOther(Self.path, .saved)
        } catch let refusal as Refusal {
            return try await show(context, typed: typed, refusal: refusal)
        }
    }
}

/// What an account is told by e-mail, as `PUT /v1/users/{userID}/notifications` has it.
private enum MailSwitch: String, CaseIterable, Sendable {
    case phones, messages, webhooks

    var words: String {
        switch self {
        case .phones: "A phone is offline"
        case .messages: "SMS were not sent"
        case .webhooks: "A webhook fails or was stopped, or events are late"
        }
    }

    var setting: any WritableKeyPath<User, Bool> & Sendable {
        switch self {
        case .phones: \.notificationHeartbeatEnabled
        case .messages: \.notificationMessageStatusEnabled
        case .webhooks: \.notificationWebhookEnabled
        }
    }
}
