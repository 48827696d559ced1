import Delivery
import Gateway
import HTTPTypes
import Hummingbird
import Mustache
import NIOCore

/// Turns what a page shows into HTML. Templates escape every value; only the finished parts of a page are put in as they
/// are.
struct PageViews: Sendable {
    private let library: MustacheLibrary

    /// Takes the templates, which are part of the binary.
    ///
    /// - Throws: When one cannot be parsed.
    init() throws {
        library = try Self.parsed.get()
    }

    /// Read once, however many servers a process starts.
    private static let parsed = Result {
        MustacheLibrary(
            templates: try PageTemplate.allCases.reduce(into: [:]) { templates, template in
                templates[template.rawValue] = try MustacheTemplate(
                    string: MarkupText.pragma + String(decoding: template.source, as: UTF8.self))
            })
    }

    /// The page `title` for somebody who is signed in.
    func page(
        _ template: PageTemplate, _ title: String, _ content: some Sendable, _ context: SignedInContext,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        page(template, title, content, context.page, status: status)
    }

    /// The page `title`, made of `template`, in which `content` is called `page`.
    func page(
        _ template: PageTemplate, _ title: String, _ content: some Sendable, _ context: PageContext,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        let inner = Inner(page: content, formToken: context.formToken)
        let shell = Shell(
            title: Self.title(title, status, context), notice: context.notice?.text, help: Self.help(for: context.path),
            content: library.render(inner, withTemplate: template.rawValue) ?? "", formToken: context.formToken,
            menuCount: Self.menuCount(context), isSignedIn: context.session != nil,
            email: context.session?.email ?? "",
            theme: context.theme == .system ? nil : context.theme.rawValue, themeName: context.theme.rawValue,
            role: context.isWithin("/account")
                ? nil : context.session.flatMap { $0.role == .owner ? nil : $0.role.rawValue },
            isReader: context.session?.role == .reader && !context.isWithin("/account"),
            nextTheme: context.theme.next.rawValue,
            sections: Self.sections.filter { $0.isFor(context.session) }.map {
                Shell.Section($0, context)
            },
            css: PageAssets.cssPath, script: PageAssets.scriptPath, icon: PageAssets.iconPath)
        let html = context.times.place(in: library.render(shell, withTemplate: PageTemplate.layout.rawValue) ?? "")
        return Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: html)))
    }

    /// As the tab shows it: what is unread comes first, or that a form was not taken.
    private static func title(_ title: String, _ status: HTTPResponse.Status, _ context: PageContext) -> String {
        if status == .unprocessableContent { return "Error: \(title)" }
        return context.menu.unread > 0 ? "(\(context.menu.unread)) \(title)" : title
    }

    private static func menuCount(_ context: PageContext) -> Int? {
        let count = context.menu.unread + (context.session?.role == .owner ? context.menu.attention : 0)
        return count == 0 ? nil : count
    }

    /// Where the documentation of the page at `path` is: the first entry counts that it lies within.
    private static func help(for path: String) -> String {
        let entry = helpPages.first { path == $0.path || path.hasPrefix($0.path + "/") }
        return "/docs/\(entry?.page ?? "dashboard")"
    }

    private static let helpPages: [(path: String, page: String)] = [
        ("/attention", "dashboard#what-needs-attention"), ("/messages/texts", "dashboard#saved-texts"),
        ("/messages/bulk", "push#uploading-a-file"), ("/messages", "dashboard#messages"),
        ("/contacts", "dashboard#contacts"),
        ("/phones/forwarders", "forwarders"), ("/phones/new", "phones"), ("/phones", "dashboard#phones"),
        ("/settings/alerts", "alerts"), ("/settings/callbacks", "webhooks#a-url-for-one-message"),
        ("/settings/playground", "webhooks#without-a-receiver"),
        ("/settings/webhooks", "webhooks"),
        ("/deliveries", "errors#why-a-delivery-failed"), ("/events", "webhooks"),
        ("/replays", "dashboard#webhooks"), ("/system", "dashboard#the-state-of-the-server"),
        ("/users", "dashboard#the-first-account"),
        ("/account/log", "dashboard#log-of-changes"), ("/account/keys", "dashboard#keys-for-programs"),
        ("/account/team", "dashboard#a-team"), ("/account/two-step", "dashboard#two-step-sign-in"),
        ("/sign-in/code", "dashboard#two-step-sign-in"), ("/forgotten-password", "dashboard#a-forgotten-password"),
        ("/new-password", "dashboard#a-forgotten-password"),
        ("/account", "dashboard#times"), ("/", "dashboard#what-needs-attention"),
        ("/first-run", "dashboard#the-first-account"), ("/first-sign-in", "dashboard#the-first-account"),
        ("/sign-in", "dashboard#sessions"), ("/invitation", "dashboard#a-team"),
    ]

    /// A page that says what went wrong.
    func error(_ error: PageError, _ context: PageContext) -> Response {
        struct Content {
            let status: Int
            let reason: String
            let message: String
            let home: String
            let homeName: String
        }
        // Members of a team have no overview.
        let isMember = context.session.map { $0.role != .owner } ?? false
        let reason = error.status.reasonPhrase
        return page(
            .error, reason,
            Content(
                status: error.status.code, reason: reason, message: error.message, home: isMember ? "/messages" : "/",
                homeName: isMember ? "Back to the messages" : "Back to the overview"),
            context, status: error.status)
    }

    private struct Inner<Content: Sendable> {
        let page: Content
        let formToken: String
    }

    private struct Shell {
        struct Section {
            let name: String
            let path: String
            let isCurrent: Bool
            /// Nil when there is nothing to count.
            let count: Int?
            /// What is counted.
            let counted: String

            init(_ entry: Entry, _ context: PageContext) {
                (name, path) = (entry.name, entry.path)
                isCurrent = context.isWithin(entry.path)
                let figure = entry.figure.map { (context.menu[keyPath: $0.count], $0.what) }
                count = figure.flatMap { $0.0 == 0 ? nil : $0.0 }
                counted = figure?.1 ?? ""
            }
        }

        let title: String
        /// What the form before did.
        let notice: String?
        /// Where the documentation of this page is.
        let help: String
        let content: String
        let formToken: String
        /// The sum of what the menu counts, where it is folded; nil when there is nothing.
        let menuCount: Int?
        let isSignedIn: Bool
        let email: String
        let theme: String?
        let themeName: String
        /// What a member of the team may do; nil for owners, and on pages about oneself.
        let role: String?
        /// Whether the page offers nothing that changes anything.
        let isReader: Bool
        let nextTheme: String
        let sections: [Section]
        let css: String
        let script: String
        let icon: String
    }

    /// An entry of the menu.
    private struct Entry {
        let name: String
        let path: String
        /// Whether only the owner of the server sees it.
        var isOwners = false
        /// Whether also those see it who do not own the account.
        var isTeams = false
        /// What is counted beside it, and what that is called.
        var figure: (count: any KeyPath<MenuFigures, Int> & Sendable, what: String)?

        func isFor(_ session: Session?) -> Bool {
            isTeams || session?.role == .owner && (!isOwners || session?.isOwner == true)
        }
    }

    private static let sections = [
        Entry(name: "Overview", path: "/"),
        Entry(name: "Attention", path: AttentionPages.path, figure: (\.attention, "to look at")),
        Entry(name: "Messages", path: "/messages", isTeams: true, figure: (\.unread, "unread")),
        Entry(name: "Contacts", path: ContactPages.path, isTeams: true),
        Entry(name: "Phones", path: PhonePages.path), Entry(name: "Webhooks", path: WebhookPages.path),
        Entry(name: "Events", path: "/events"), Entry(name: "Users", path: UserPages.path, isOwners: true),
        Entry(name: "System", path: SystemPages.path, isOwners: true),
        Entry(name: "Account", path: "/account", isTeams: true),
    ]
}
