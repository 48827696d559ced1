import Delivery
import Gateway
import Secrets
import Wire

/// The fields of a form that say where a webhook's requests go, and how. Secrets are not shown again: an empty field keeps what
/// there is.
struct SendingFields: Sendable {
    private var url = ""
    /// Nil keeps what there is.
    private var signingKey: String?
    private var removesKey = false
    private(set) var payload = PayloadFields()
    private var headers = HeaderFields()
    private var plan = PlanFields()
    private var trust = TrustFields()

    /// What the page shows of them.
    struct Content: Sendable {
        let url: String
        let urlProblems: [String]
        let signingKey: String
        let keyProblems: [String]
        /// Whether there is a key that an empty field keeps.
        let keepsKey: Bool
        let removesKey: Bool
        let format: PayloadFields.Content
        let extra: HeaderFields.Content
        let plan: PlanFields.Content
        let trust: TrustFields.Content
        /// Whether what few need is shown at once: it is set, or something is wrong with it.
        let isOpen: Bool
    }

    /// Those of a new webhook.
    ///
    /// - Parameters:
    ///   - url: Where it leads; empty for what is not said yet.
    ///   - signingKey: The key that is proposed; empty for none.
    init(url: String = "", signingKey: String) { (self.url, self.signingKey) = (url, signingKey) }

    init(_ endpoint: Endpoint) {
        url = endpoint.url
        payload = PayloadFields(endpoint.payloadFormat)
        headers = HeaderFields(endpoint.headers)
        plan = PlanFields(endpoint.plan)
        trust = TrustFields(endpoint.trust)
    }

    init(_ form: PageForm, isNew: Bool) {
        url = form.text("url")
        removesKey = form.text("remove_key") == "yes"
        let typed = form.text("signing_key")
        signingKey =
            form.text("generate") == "yes"
            ? SigningKey.random() : removesKey ? "" : isNew || !typed.isEmpty ? typed : nil
        payload = PayloadFields(form)
        headers = HeaderFields(form)
        plan = PlanFields(form)
        trust = TrustFields(form)
    }

    /// What they ask for, with what the webhook hears of.
    func update(
        events: [String], phoneNumbers: [String] = [], allPhoneNumbers: Bool = false, ordering: String = "none",
        filter: FilterUpdate = FilterUpdate()
    ) -> WebhookUpdate {
        WebhookUpdate(
            url: url, signingKey: signingKey, events: events, phoneNumbers: phoneNumbers,
            allPhoneNumbers: allPhoneNumbers, ordering: ordering, payload: payload.update, headers: headers.update,
            plan: plan.update, filter: filter, trust: trust.update)
    }

    func content(
        isNew: Bool, problems: [String: [String]], preview: PayloadPreview? = nil, canPreview: Bool = true
    ) -> Content {
        let plan = plan.content(problems: problems)
        let trust = trust.content(problems: problems)
        return Content(
            url: url, urlProblems: problems["url"] ?? [], signingKey: signingKey ?? "",
            keyProblems: problems["signing_key"] ?? [], keepsKey: !isNew, removesKey: removesKey,
            format: payload.content(problems: problems, preview: preview, canPreview: canPreview),
            extra: headers.content(problems: problems), plan: plan, trust: trust,
            isOpen: plan.isOpen || trust.isOpen || !headers.isPlain(problems: problems))
    }
}
