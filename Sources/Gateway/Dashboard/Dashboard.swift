import Delivery
import Hummingbird
import Storage

/// The pages of the web interface: everything outside of `/v1`, `/health` and `/metrics`.
struct Dashboard: Sendable {
    private let middleware: PageMiddleware
    private let access: AccessRoutes
    private let overview: OverviewRoutes
    private let account: AccountPages
    private let webhooks: WebhookPages
    private let deliveries: DeliveryPages
    private let events: EventPages
    private let replays: ReplayPages
    private let snippets: SnippetPages
    private let phones: PhonePages
    private let phoneKeys: PhoneKeyPages
    private let schedules: SchedulePages
    private let newPhone: NewPhonePages
    private let members: UserPages
    private let live: LivePages

    /// - Throws: When a template cannot be parsed.
    init(
        store: any Store, users: UserOperations, webhooks: WebhookOperations, runner: AttemptRunner,
        phones: PhoneOperations, phoneKeys: PhoneAPIKeyOperations, schedules: SendScheduleOperations,
        offlineAfter: Duration, stream: EventStream, site: PageSite
    ) throws {
        let views = try PageViews()
        let sessions = Sessions(store: store)
        let operations = AccessOperations(store: store, users: users, passwords: Passwords())
        middleware = PageMiddleware(site: site, sessions: sessions, views: views)
        access = AccessRoutes(access: operations, sessions: sessions, views: views)
        overview = OverviewRoutes(store: store, access: operations, views: views)
        account = AccountPages(store: store, users: users, access: operations, views: views)
        self.webhooks = WebhookPages(
            operations: webhooks, forms: WebhookForms(operations: webhooks, views: views), views: views)
        replays = ReplayPages(operations: webhooks, views: views)
        snippets = SnippetPages(operations: webhooks, access: operations, views: views)
        self.phones = PhonePages(operations: phones, offlineAfter: offlineAfter, views: views)
        self.phoneKeys = PhoneKeyPages(operations: phoneKeys, views: views)
        self.schedules = SchedulePages(operations: schedules, views: views)
        newPhone = NewPhonePages(keys: phoneKeys, site: site, views: views)
        members = UserPages(store: store, users: users, access: operations, site: site, views: views)
        live = LivePages(stream: stream, sessions: sessions)
        events = EventPages(store: store, endpoints: webhooks.endpoints, views: views)
        deliveries = DeliveryPages(store: store, runner: runner, endpoints: webhooks.endpoints, views: views)
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
        account.add(to: signedIn)
        webhooks.add(to: signedIn)
        deliveries.add(to: signedIn)
        events.add(to: signedIn)
        replays.add(to: signedIn)
        snippets.add(to: signedIn)
        newPhone.add(to: signedIn)
        phoneKeys.add(to: signedIn)
        schedules.add(to: signedIn)
        phones.add(to: signedIn)
        members.add(to: signedIn)
        live.add(to: signedIn)
    }

    /// Whether a route belongs to a page, and so is no part of `openapi.json`.
    static func isPage(_ path: String) -> Bool {
        let first = path.split(separator: "/").first?.lowercased()
        return first.map { !["v1", "health", "metrics", "docs", "llms.txt"].contains($0) } ?? true
    }
}
