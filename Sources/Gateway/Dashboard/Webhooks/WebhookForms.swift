import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Secrets
import Storage
import Wire

/// The forms that make and change a webhook. What the API says of a field stands at that field.
struct WebhookForms: Sendable {
    let operations: WebhookOperations
    let receipts: FormReceipts
    let views: PageViews

    private struct Content {
        let title: String
        let action: String
        let once: String
        let back: String
        let url: String
        let signingKey: String
        /// A key that is there is not shown: an empty field keeps it.
        let keepsKey: Bool
        let removesKey: Bool
        let isOrdered: Bool
        let events: [Choice]
        let numbers: [Choice]
        let hasNumbers: Bool
        let hasAllNumbers: Bool
        let problem: String?
        let urlProblems: [String]
        let keyProblems: [String]
        let eventProblems: [String]
        let numberProblems: [String]
        let format: PayloadFields.Content
        let extra: HeaderFields.Content
        let plan: PlanFields.Content
        let filter: FilterFields.Content
        let trust: TrustFields.Content
        /// Whether what few need is shown at once: it is set, or something is wrong with it.
        let isMoreOpen: Bool
    }

    /// What the fields hold.
    private struct Fields {
        var url = ""
        /// Nil keeps what there is.
        var signingKey: String?
        var removesKey = false
        var events: [String] = []
        var numbers: [String] = []
        /// Also those that come later.
        var hasAllNumbers = false
        var isOrdered = false
        var payload = PayloadFields()
        var headers = HeaderFields()
        var plan = PlanFields()
        var filter = FilterFields()
        var trust = TrustFields()

        init() {
            // New ones are signed, and hear of everything.
            signingKey = SigningKey.random()
            events = EventType.allCases.map(\.rawValue)
        }

        init(_ endpoint: Endpoint) {
            url = endpoint.url
            events = endpoint.eventTypes.map(\.rawValue)
            hasAllNumbers = endpoint.hearsEveryOwner
            numbers = hasAllNumbers ? [] : endpoint.owners
            isOrdered = endpoint.ordering == .message
            payload = PayloadFields(endpoint.payloadFormat)
            headers = HeaderFields(endpoint.headers)
            plan = PlanFields(endpoint.plan)
            filter = FilterFields(endpoint.filter)
            trust = TrustFields(endpoint.trust)
        }

        init(_ form: PageForm, isNew: Bool) {
            url = form.text("url")
            removesKey = form.text("remove_key") == "yes"
            let typed = form.text("signing_key")
            signingKey =
                form.text("generate") == "yes"
                ? SigningKey.random() : removesKey ? "" : isNew || !typed.isEmpty ? typed : nil
            events = form.list("events")
            hasAllNumbers = form.text("all_phone_numbers") == "yes"
            numbers = form.list("phone_numbers")
            isOrdered = form.text("ordering") == "message"
            payload = PayloadFields(form)
            headers = HeaderFields(form)
            plan = PlanFields(form)
            filter = FilterFields(form)
            trust = TrustFields(form)
        }

        var update: WebhookUpdate {
            WebhookUpdate(
                url: url, signingKey: signingKey, events: events, phoneNumbers: hasAllNumbers ? [] : numbers,
                allPhoneNumbers: hasAllNumbers, ordering: isOrdered ? "message" : "none", payload: payload.update,
                headers: headers.update, plan: plan.update, filter: filter.update, trust: trust.update)
        }
    }

    @Sendable func new(_ request: Request, _ context: SignedInContext) async throws -> Response {
        var fields = Fields()
        fields.numbers = try await operations.store.read(.user(context.userID)) { tx in
            try PhoneNumbers.list(of: context.userID, in: tx)
        }
        return try await show(fields, id: nil, context)
    }

    @Sendable func edit(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("webhookID", of: EndpointID.self), context.userID)
        let found = try await operations.store.read(.user(userID)) { [endpoints = operations.endpoints] tx in
            try endpoints.find(id, userID: userID, in: tx)
        }
        guard let found else { throw PageError.notFound }
        return try await show(Fields(found), id: id, context)
    }

    @Sendable func create(_ request: Request, _ context: SignedInContext) async throws -> Response {
        do {
            return try await save(nil, context) { update in
                try await operations.create(update, userID: context.userID, receipt: receipts.receipt(of: context))
            }
        } catch is Replayed {
            // The first of two clicks made it, and it is in the list.
            return .seeOther(WebhookPages.path, .saved)
        }
    }

    @Sendable func update(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let id = try context.id("webhookID", of: EndpointID.self)
        return try await save(id, context) { try await operations.update(id, $0, userID: context.userID) }
    }

    private func save(
        _ id: EndpointID?, _ context: SignedInContext, _ body: (WebhookUpdate) async throws -> EndpointReport?
    ) async throws -> Response {
        let fields = Fields(context.form, isNew: id == nil)
        do {
            if context.form.text("preview") == "yes" {
                let preview = try await operations.preview(
                    fields.payload.update, of: fields.payload.event, userID: context.userID)
                return try await show(fields, id: id, context, preview: preview)
            }
            guard let report = try await body(fields.update) else { throw PageError.notFound }
            return .seeOther(
                "\(WebhookPages.path)/\(report.endpoint.id)", report.endpoint.status == .active ? .saved : .off)
        } catch let refusal as Refusal {
            return try await show(fields, id: id, context, refusal: refusal)
        }
    }

    private func show(
        _ fields: Fields, id: EndpointID?, _ context: SignedInContext, refusal: Refusal? = nil,
        preview: PayloadPreview? = nil
    ) async throws -> Response {
        let userID = context.userID
        var errors = FieldErrors()
        let page = Page(QueryParameters(query: ""), limit: 100, errors: &errors)
        let owned = try await operations.store.read(.user(userID)) { tx in
            try PhoneQueries.list(userID: userID, page: page, in: tx).map(\.phoneNumber)
        }
        // One that is chosen stays visible, whether or not it is among those.
        let numbers = (owned + fields.numbers).unique
        let problems = PageProblems.all(refusal)
        let path = id.map { "\(WebhookPages.path)/\($0)" }
        let plan = fields.plan.content(problems: problems)
        let filter = fields.filter.content(problems: problems)
        let trust = fields.trust.content(problems: problems)
        let title = id == nil ? "New webhook" : "Edit the webhook"
        return views.page(
            "webhook-form", title,
            Content(
                title: title, action: path.map { "\($0)/edit" } ?? "\(WebhookPages.path)/new",
                once: FormReceipts.token(), back: path ?? WebhookPages.path, url: fields.url,
                signingKey: fields.signingKey ?? "",
                keepsKey: id != nil, removesKey: fields.removesKey,
                isOrdered: fields.isOrdered,
                events: EventDeclaration.all.map {
                    Choice(
                        value: $0.type.rawValue, isChosen: fields.events.contains($0.type.rawValue),
                        note: $0.description)
                },
                numbers: numbers.map { Choice(value: $0, isChosen: fields.numbers.contains($0)) },
                hasNumbers: !numbers.isEmpty, hasAllNumbers: fields.hasAllNumbers,
                problem: refusal.map {
                    problems.isEmpty ? $0.message : "The webhook was not saved. Check the highlighted fields."
                },
                urlProblems: problems["url"] ?? [], keyProblems: problems["signing_key"] ?? [],
                eventProblems: problems["events"] ?? [], numberProblems: problems["phone_numbers"] ?? [],
                format: fields.payload.content(problems: problems, preview: preview),
                extra: fields.headers.content(problems: problems),
                plan: plan, filter: filter, trust: trust,
                isMoreOpen: plan.isOpen || filter.isOpen || trust.isOpen || fields.isOrdered || preview != nil
                    || !fields.payload.isPlain(problems: problems) || !fields.headers.isPlain(problems: problems)),
            context, status: refusal?.status ?? .ok)
    }
}
