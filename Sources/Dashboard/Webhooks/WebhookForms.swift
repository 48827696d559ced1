import Delivery
import Gateway
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

    /// The routes whose forms can ask for a preview instead of being saved.
    private static let previews: Set<String> = ["/settings/webhooks/new", "/settings/webhooks/{webhookID}/edit"]

    /// Whether a form only asks what would be sent, and changes nothing.
    static func isPreview(_ form: PageForm, of route: String) -> Bool {
        previews.contains(route) && form.text("preview") == "yes"
    }

    private struct Content {
        let title: String
        let action: String
        let once: String
        let back: String
        let sending: SendingFields.Content
        let isOrdered: Bool
        let events: [Choice]
        let numbers: [Choice]
        let hasNumbers: Bool
        let hasAllNumbers: Bool
        let problem: String?
        let eventProblems: [String]
        let numberProblems: [String]
        let filter: FilterFields.Content
        /// Whether what few need is shown at once: it is set, or something is wrong with it.
        let isMoreOpen: Bool
    }

    /// What the fields hold.
    private struct Fields {
        var sending: SendingFields
        var events: [String] = []
        var numbers: [String] = []
        /// Also those that come later.
        var hasAllNumbers = false
        var isOrdered = false
        var filter = FilterFields()

        init(url: String) {
            // New ones are signed, and hear of everything, also from phones that come later.
            sending = SendingFields(url: url, signingKey: SigningKey.random())
            events = EventType.allCases.map(\.rawValue)
            hasAllNumbers = true
        }

        init(_ endpoint: Endpoint) {
            sending = SendingFields(endpoint)
            events = endpoint.eventTypes.map(\.rawValue)
            hasAllNumbers = endpoint.hearsEveryOwner
            numbers = hasAllNumbers ? [] : endpoint.owners
            isOrdered = endpoint.ordering == .message
            filter = FilterFields(endpoint.filter)
        }

        init(_ form: PageForm, isNew: Bool) {
            sending = SendingFields(form, isNew: isNew)
            events = form.list("events")
            hasAllNumbers = form.text("all_phone_numbers") == "yes"
            numbers = form.list("phone_numbers")
            isOrdered = form.text("ordering") == "message"
            filter = FilterFields(form)
        }

        var update: WebhookUpdate {
            sending.update(
                events: events, phoneNumbers: hasAllNumbers ? [] : numbers, allPhoneNumbers: hasAllNumbers,
                ordering: isOrdered ? "message" : "none", filter: filter.update)
        }
    }

    @Sendable func new(_ request: Request, _ context: SignedInContext) async throws -> Response {
        try await show(Fields(url: QueryParameters(request)["url"] ?? ""), id: nil, context)
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
                    fields.sending.payload.update, of: fields.sending.payload.event, userID: context.userID)
                return try await show(fields, id: id, context, preview: preview)
            }
            guard let report = try await body(fields.update) else { throw PageError.notFound }
            let done: PageNotice = id == nil && report.endpoint.isSigned ? .made : .saved
            return .seeOther(
                "\(WebhookPages.path)/\(report.endpoint.id)", report.endpoint.status == .active ? done : .off)
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
        let sending = fields.sending.content(isNew: id == nil, problems: problems, preview: preview)
        let filter = fields.filter.content(problems: problems)
        let title = id == nil ? "New webhook" : "Edit the webhook"
        return views.page(
            .webhookForm, title,
            Content(
                title: title, action: path.map { "\($0)/edit" } ?? "\(WebhookPages.path)/new",
                once: FormReceipts.token(), back: path ?? WebhookPages.path, sending: sending,
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
                eventProblems: problems["events"] ?? [], numberProblems: problems["phone_numbers"] ?? [],
                filter: filter,
                isMoreOpen: sending.isOpen || filter.isOpen || fields.isOrdered || preview != nil
                    || !fields.sending.payload.isPlain(problems: problems)),
            context, status: refusal?.status ?? .ok)
    }
}
