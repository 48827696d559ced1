import Delivery
import Gateway
import Hummingbird
import Storage

/// Pages for somebody who is signed in.
protocol SignedInPages: Sendable {
    /// Adds their routes.
    func add(to group: RouterGroup<SignedInContext>)
}

/// The pages of the web interface: everything outside of `/v1`, `/api`, `/mobile`, `/health`, `/metrics`,
/// `/mcp`, `/docs` and `/llms.txt`.
package struct DashboardRoutes: PageRoutes {
    private let middleware: PageMiddleware
    private let access: AccessRoutes
    private let overview: OverviewRoutes
    private let connect: ConnectPages
    private let pages: [any SignedInPages]

    /// - Parameters:
    ///   - features: What the pages show and change.
    ///   - store: Where everything lives.
    ///   - runner: Makes attempts of deliveries.
    ///   - site: Under which names this server is reached.
    ///   - passwordCost: What a new password's hash costs.
    ///   - facts: What the system page shows.
    /// - Throws: When a template cannot be parsed.
    package init(
        _ features: Features, store: any Store, runner: AttemptRunner, site: ServerSite, passwordCost: PasswordCost,
        facts: SystemFacts
    ) throws {
        let views = try PageViews()
        let sessions = Sessions(store: store)
        let users = features.users.operations
        let webhooks = features.webhooks.operations
        let messages = features.messages.operations
        let bulkMessages = features.bulkMessages.operations
        let phoneKeys = features.phoneAPIKeys.operations
        let receipts = FormReceipts(queries: features.requests.queries)
        let letters = AccountLetters(site: site, mails: features.alerts.operations.mails)
        let access = AccessOperations(
            store: store, users: users, passwords: Passwords(cost: passwordCost), letters: letters)
        middleware = PageMiddleware(
            site: site, sessions: sessions, views: views, uploads: bulkMessages.uploads,
            menu: MenuFigures.Reader(store: store, attention: features.attention.queries),
            contacts: features.contacts.operations, audit: features.audit.trail, clock: messages.clock)
        let team = TeamOperations(store: store, access: access)
        self.access = AccessRoutes(access: access, team: team, sessions: sessions, views: views)
        overview = OverviewRoutes(
            store: store, access: access, queries: features.attention.queries, site: site, views: views)
        let devices = features.devices
        connect = ConnectPages(
            devices: devices.operations, appURL: devices.appURL, views: views)
        pages = [
            AttentionPages(queries: features.attention.queries, webhooks: webhooks, views: views),
            DashboardMessages(
                operations: messages, callbacks: features.callbacks.operations, threads: features.threads.operations,
                bulk: bulkMessages, texts: features.savedTexts.operations, receipts: receipts, views: views),
            ContactPages(
                operations: features.contacts.operations, receipts: receipts, uploads: bulkMessages.uploads,
                views: views),
            PhonePages(
                operations: features.phones.operations, offlineAfter: features.settings.offlineAfter,
                pushes: messages.pushes,
                views: views),
            NewPhonePages(
                keys: phoneKeys, devices: devices.operations, site: site, appURL: devices.appURL,
                pushes: messages.pushes.contains(.firebase), views: views),
            DevicePages(operations: devices.operations, appURL: devices.appURL),
            PhoneKeyPages(operations: phoneKeys, views: views),
            SchedulePages(operations: features.sendSchedules.operations, views: views),
            WebhookPages(
                operations: webhooks, forms: WebhookForms(operations: webhooks, receipts: receipts, views: views),
                views: views),
            AlertPages(
                operations: features.alerts.operations, users: users, receipts: receipts, views: views),
            PlaygroundPages(operations: features.playground.operations, views: views),
            CallbackPages(operations: features.callbacks.operations, views: views),
            ReplayPages(operations: webhooks, views: views),
            ForwarderPages(operations: features.forwarders.operations, views: views),
            SnippetPages(operations: webhooks, access: access, views: views),
            DeliveryPages(store: store, runner: runner, endpoints: webhooks.endpoints, views: views),
            EventPages(store: store, endpoints: webhooks.endpoints, views: views),
            UserPages(store: store, users: users, access: access, site: site, views: views),
            SystemPages(store: store, facts: facts, views: views),
            AccountPages(store: store, users: users, access: access, views: views),
            TeamPages(operations: team, site: site, views: views),
            TwoStepPages(access: access, site: site, views: views),
            AccessKeyPages(operations: features.accessKeys.operations, access: access, views: views),
            AuditPages(store: store, views: views),
            LivePages(stream: features.events.stream, sessions: sessions),
        ]
    }

    /// Adds the pages. They come before what the API's routes pass: no key is read, no other origin let in.
    package func add(to router: Router<APIContext>) {
        router.add(middleware: LostPageMiddleware(pages: middleware))
        PageAssets().addIcon(to: router)
        let group = router.group(context: PageContext.self)
        group.add(middleware: middleware)
        let signedIn = group.group(context: SignedInContext.self)
        signedIn.add(middleware: TeamRoleMiddleware())
        PageAssets().add(to: group)
        ThemePages().add(to: group)
        overview.add(to: group)
        connect.add(to: group)
        access.add(to: group, signedIn: signedIn)
        for page in pages { page.add(to: signedIn) }
    }
}
