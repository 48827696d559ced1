import Delivery
import Hummingbird
import Storage

/// The form that makes a webhook for alerts. It has the fields of a webhook, except what an alert does not have.
struct AlertForms: Sendable {
    let operations: AlertOperations
    let receipts: FormReceipts
    let views: PageViews

    private struct Content {
        let once: String
        let url: String
        let signingKey: String
        let problem: String?
        let urlProblems: [String]
        let keyProblems: [String]
        let format: PayloadFields.Content
        let extra: HeaderFields.Content
        let plan: PlanFields.Content
        let trust: TrustFields.Content
        let isMoreOpen: Bool
    }

    /// What the fields hold.
    private struct Fields {
        var url = ""
        var signingKey = ""
        var payload = PayloadFields()
        var headers = HeaderFields()
        var plan = PlanFields()
        var trust = TrustFields()

        init() {}

        init(_ form: PageForm) {
            url = form.text("url")
            signingKey = form.text("signing_key")
            payload = PayloadFields(form)
            headers = HeaderFields(form)
            plan = PlanFields(form)
            trust = TrustFields(form)
        }

        var update: WebhookUpdate {
            WebhookUpdate(
                url: url, signingKey: signingKey.isEmpty ? nil : signingKey, events: [], phoneNumbers: [],
                ordering: "none", payload: payload.update, headers: headers.update, plan: plan.update,
                filter: FilterUpdate(), trust: trust.update)
        }
    }

    func new(_ context: SignedInContext) -> Response { show(Fields(), context) }

    func create(_ context: SignedInContext) async throws -> Response {
        let fields = Fields(context.form)
        do {
            _ = try await operations.create(
                fields.update, userID: context.userID, receipt: receipts.receipt(of: context))
        } catch let refusal as Refusal {
            return show(fields, context, refusal: refusal)
        } catch is Replayed {
            // The first of two clicks made it, and it is in the list.
        }
        return .seeOther(AlertPages.path, .saved)
    }

    private func show(_ fields: Fields, _ context: SignedInContext, refusal: Refusal? = nil) -> Response {
        let problems = PageProblems.all(refusal)
        let plan = fields.plan.content(problems: problems)
        let trust = fields.trust.content(problems: problems)
        return views.page(
            "alert-form", "New place for alerts",
            Content(
                once: FormReceipts.token(), url: fields.url, signingKey: fields.signingKey,
                problem: refusal.map {
                    problems.isEmpty ? $0.message : "It was not saved. Check the highlighted fields."
                },
                urlProblems: problems["url"] ?? [], keyProblems: problems["signing_key"] ?? [],
                format: fields.payload.content(problems: problems, preview: nil, canPreview: false),
                extra: fields.headers.content(problems: problems), plan: plan, trust: trust,
                isMoreOpen: plan.isOpen || trust.isOpen || !fields.signingKey.isEmpty
                    || problems["signing_key"] != nil || !fields.headers.isPlain(problems: problems)),
            context, status: refusal?.status ?? .ok)
    }
}
