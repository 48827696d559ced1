import Delivery
import Hummingbird
import Storage

/// Pages for somebody who is signed in.
protocol SignedInPages: Sendable {
    /// Adds their routes.
    func add(to group: RouterGroup<SignedInContext>)
}

/// The pages of the web interface: everything outside of `/v1`, `/api`, `/mobile`, `/health`, `/metrics`,
/// `/docs` and `/llms.txt`.
struct Dashboard: Sendable {
    /// What the API's routes do, which pages do, too.
    struct Operations: Sendable {
        let users: UserOperations
        let webhooks: WebhookOperations
        let messages: MessageOperations
        let bulkMessages: BulkMessageOperations
        let phones: PhoneOperations
        let phoneKeys: PhoneAPIKeyOperations
        let schedules: SendScheduleOperations
    }

    private let middleware: PageMiddleware
    private let access: AccessRoutes
    private let overview: OverviewRoutes
    private let pages: [any SignedInPages]

    /// - Throws: When a template cannot be parsed.
    init(
        _ operations: Operations, store: any Store, receipts: FormReceipts, runner: AttemptRunner, stream: EventStream,
        site: PageSite, offlineAfter: Duration, system facts: SystemFacts
    ) throws {
        let views = try PageViews()
        let sessions = Sessions(store: store)
        let users = operations.users
        let webhooks = operations.webhooks
        let access = AccessOperations(store: store, users: users, passwords: Passwords())
        middleware = PageMiddleware(
            site: site, sessions: sessions, views: views, uploads: operations.bulkMessages.uploads)
        self.access = AccessRoutes(access: access, sessions: sessions, views: views)
        overview = OverviewRoutes(store: store, access: access, views: views)
        pages = [
            DashboardMessages(
                operations: operations.messages, bulk: operations.bulkMessages, receipts: receipts, views: views),
            PhonePages(
                operations: operations.phones, offlineAfter: offlineAfter, isPushing: operations.messages.pushes,
                views: views),
            NewPhonePages(keys: operations.phoneKeys, site: site, views: views),
            PhoneKeyPages(operations: operations.phoneKeys, views: views),
            SchedulePages(operations: operations.schedules, views: views),
            WebhookPages(operations: webhooks, forms: WebhookForms(operations: webhooks, views: views), views: views),
            ReplayPages(operations: webhooks, views: views),
            SnippetPages(operations: webhooks, access: access, views: views),
            DeliveryPages(store: store, runner: runner, endpoints: webhooks.endpoints, views: views),
            EventPages(store: store, endpoints: webhooks.endpoints, views: views),
            UserPages(store: store, users: users, access: access, site: site, views: views),
            SystemPages(store: store, facts: facts, views: views),
            AccountPages(store: store, users: users, access: access, views: views),
            LivePages(stream: stream, sessions: sessions),
        ]
    }

    /// Adds the pages. They come before what the API's routes pass: no key is read, no other origin let in.
    func add(to router: Router<APIContext>) {
        router.add(middleware: LostPageMiddleware(pages: middleware))
        let group = router.group(context: PageContext.self)
        group.add(middleware: middleware)
        let signedIn = group.group(context: SignedInContext.self)
        PageAssets().add(to: group)
        ThemePages().add(to: group)
        overview.add(to: group)
        access.add(to: group, signedIn: signedIn)
        for page in pages { page.add(to: signedIn) }
    }

    /// Whether a route belongs to a page, and so is no part of `openapi.json`.
    static func isPage(_ path: String) -> Bool {
        let first = path.split(separator: "/").first?.lowercased()
        return first.map { !["v1", "api", "mobile", "health", "metrics", "docs", "llms.txt"].contains($0) } ?? true
    }
}
