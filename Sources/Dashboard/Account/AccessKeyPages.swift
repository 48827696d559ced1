import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps

/// The keys of programs: which there are, what each may do, and when it was used last.
struct AccessKeyPages: SignedInPages {
    let operations: AccessKeyOperations
    let access: AccessOperations
    let views: PageViews

    static let path = "/account/keys"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/account/keys") { _, context in try await show(context) }
        group.post("/account/keys") { _, context in try await create(context) }
        group.post("/account/keys/:keyID/delete") { _, context in
            guard try await operations.delete(context.id("keyID", of: AccessKeyID.self), userID: context.userID)
            else { throw PageError.notFound }
            return Response.seeOther(Self.path)
        }
    }

    private struct Content {
        let email: String
        let keys: [Line]
        let isEmpty: Bool
        let name: String
        let scopes: [Choice]
        let ends: [Choice]
        let problem: String?
        let nameProblems: [String]
        let scopeProblems: [String]
    }

    private struct Line {
        let path: String
        let name: String
        /// What it may do.
        let rights: [String]
        let isExpired: Bool
        let end: String
        let use: String
        let createdAt: String

        init(_ key: AccessKey, now: Timestamp) {
            path = "\(AccessKeyPages.path)/\(key.id)"
            name = key.name
            rights = key.scopes.map(AccessKeyPages.words)
            isExpired = key.expiresAt.map { $0 <= now } ?? false
            let verb = isExpired ? "Ended" : "Ends"
            end = key.expiresAt.map { "\(verb) \(PageTime.shown($0))" } ?? "Never ends"
            use = key.lastUsedAt.map { "last used \(PageTime.shown($0))" } ?? "never used"
            createdAt = PageTime.shown(key.createdAt)
        }
    }

    /// When a new key ends, in days; 0 stands for never.
    private static let ends: [(days: Int, words: String)] = [
        (30, "in 30 days"), (90, "in 90 days"), (365, "in a year"), (0, "never"),
    ]
    private static let usualEnd = 90

    /// What a scope allows, as the form and the list say it.
    private static func words(_ scope: KeyScope) -> String {
        switch scope {
        case .readMessages: "read SMS and conversations"
        case .sendMessages: "send SMS"
        case .manageMessages: "archive, change and delete SMS, and saved texts"
        case .manageContacts: "read and change contacts"
        case .readEvents: "read events, which hold the texts of SMS"
        case .readDeliveries: "read deliveries, which hold the texts of SMS"
        case .manageWebhooks: "change webhooks, and so have every event sent to any address"
        case .managePhones: "change phones and send schedules"
        }
    }

    /// In how many days the key is to end that the form asks for; 0 for never.
    private static func days(_ form: PageForm) -> Int { Int(form.text("days")) ?? usualEnd }

    /// The keys, and a form that holds what was sent before.
    private func show(_ context: SignedInContext, refusal: Refusal? = nil) async throws -> Response {
        let keys = try await operations.list(userID: context.userID, page: AccessKeyOperations.wholeList)
        let problems = PageProblems.all(refusal)
        let (chosen, days) = (context.form.list("scopes"), Self.days(context.form))
        let now = operations.clock.now()
        return views.page(
            .accessKeys, "Keys for programs",
            Content(
                email: context.session.email, keys: keys.map { Line($0, now: now) }, isEmpty: keys.isEmpty,
                name: context.form.text("name"),
                scopes: KeyScope.allCases.map {
                    Choice(value: $0.rawValue, isChosen: chosen.contains($0.rawValue), note: Self.words($0))
                },
                ends: Self.ends.map { Choice(value: "\($0.days)", isChosen: $0.days == days, note: $0.words) },
                problem: refusal.map {
                    problems.isEmpty ? $0.message : "No key was made. Check the highlighted fields."
                },
                nameProblems: problems["name"] ?? [], scopeProblems: problems["scopes"] ?? []),
            context, status: refusal?.status ?? .ok)
    }

    /// Makes a key once the password was given, and shows it in the answer.
    private func create(_ context: SignedInContext) async throws -> Response {
        let days = Self.days(context.form)
        guard Self.ends.contains(where: { $0.days == days }) else { throw PageError.notFound }
        let expiresAt = days == 0 ? nil : operations.clock.now() + .seconds(86_400 * days)
        do {
            try await access.confirm(context.form.secret("current"), of: context.session)
            let key = try await operations.create(
                name: context.form.text("name"), scopes: context.form.list("scopes"), expiresAt: expiresAt,
                userID: context.userID, receipt: .unkept)
            return views.page(
                .apiKey, "New key",
                ShownKey(
                    title: "New key", back: Self.path, backName: "Keys for programs",
                    power: "Whoever has this key can do what you chose.", apiKey: key.text, code: nil), context)
        } catch let refusal as Refusal {
            return try await show(context, refusal: refusal)
        }
    }
}
