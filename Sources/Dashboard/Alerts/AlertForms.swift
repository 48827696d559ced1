import Delivery
import Gateway
import Hummingbird
import Storage

/// The forms that make and change a webhook for alerts. They have the fields of a webhook, except what an alert does not have.
struct AlertForms: Sendable {
    let operations: AlertOperations
    let receipts: FormReceipts
    let views: PageViews

    private struct Content {
        let title: String
        let action: String
        let once: String
        let problem: String?
        let sending: SendingFields.Content
        let hasAllCauses: Bool
        let causes: [Choice]
        let changes: Choice
        let causeProblems: [String]
        let isMoreOpen: Bool
    }

    /// What the fields hold.
    private struct Fields {
        var sending: SendingFields
        /// Also what later versions add.
        var hasAllCauses = true
        var causes: [String] = []

        init() { sending = SendingFields(signingKey: "") }

        init(_ webhook: AlertWebhook) {
            sending = SendingFields(webhook.report.endpoint)
            hasAllCauses = webhook.causes.isAll
            causes = webhook.causes.names
        }

        init(_ form: PageForm, isNew: Bool) {
            sending = SendingFields(form, isNew: isNew)
            hasAllCauses = form.text("all_causes") == "yes"
            causes = form.list("events")
        }

        var update: WebhookUpdate {
            let changes = causes.filter { $0 == AuditLog.eventType }
            return sending.update(events: hasAllCauses ? AlertCauses.all.names + changes : causes)
        }
    }

    func new(_ context: SignedInContext) -> Response { show(Fields(), id: nil, context) }

    func edit(_ context: SignedInContext) async throws -> Response {
        let id = try context.id("webhookID", of: EndpointID.self)
        guard let webhook = try await operations.webhook(id, userID: context.userID) else { throw PageError.notFound }
        return show(Fields(webhook), id: id, context)
    }

    func create(_ context: SignedInContext) async throws -> Response {
        try await save(nil, context) { update in
            do {
                _ = try await operations.create(
                    update, userID: context.userID, receipt: receipts.receipt(of: context))
            } catch is Replayed {
                // The first of two clicks made it, and it is in the list.
            }
            return true
        }
    }

    func update(_ context: SignedInContext) async throws -> Response {
        let id = try context.id("webhookID", of: EndpointID.self)
        return try await save(id, context) { try await operations.update(id, $0, userID: context.userID) != nil }
    }

    private func save(
        _ id: EndpointID?, _ context: SignedInContext, _ body: (WebhookUpdate) async throws -> Bool
    ) async throws -> Response {
        let fields = Fields(context.form, isNew: id == nil)
        do {
            guard try await body(fields.update) else { throw PageError.notFound }
            return .seeOther(AlertPages.path, .saved)
        } catch let refusal as Refusal {
            return show(fields, id: id, context, refusal: refusal)
        }
    }

    private func show(
        _ fields: Fields, id: EndpointID?, _ context: SignedInContext, refusal: Refusal? = nil
    ) -> Response {
        let problems = PageProblems.all(refusal)
        let sending = fields.sending.content(isNew: id == nil, problems: problems, canPreview: false)
        let title = id == nil ? "New alert" : "Edit the alert"
        return views.page(
            .alertForm, title,
            Content(
                title: title, action: "\(AlertPages.path)/\(id.map { "\($0)/edit" } ?? "new")",
                once: FormReceipts.token(),
                problem: refusal.map {
                    problems.isEmpty ? $0.message : "It was not saved. Check the highlighted fields."
                },
                sending: sending, hasAllCauses: fields.hasAllCauses,
                causes: AlertCause.all(ofServer: context.session.isOwner).map {
                    Choice(
                        value: $0.rawValue, isChosen: fields.causes.contains($0.rawValue), note: $0.sentence)
                },
                changes: Choice(
                    value: AuditLog.eventType, isChosen: fields.causes.contains(AuditLog.eventType),
                    note: "Each change in the account, whoever makes it."),
                causeProblems: problems["events"] ?? [],
                isMoreOpen: sending.isOpen || !sending.signingKey.isEmpty || !sending.keyProblems.isEmpty),
            context, status: refusal?.status ?? .ok)
    }
}
