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
        let sources: [String: [UInt8]] = [
            "layout": PackageResources.layout_mustache, "error": PackageResources.error_mustache,
            "sign-in": PackageResources.sign_in_mustache, "first-run": PackageResources.first_run_mustache,
            "first-sign-in": PackageResources.first_sign_in_mustache, "overview": PackageResources.overview_mustache,
            "attention": PackageResources.attention_mustache,
            "planned": PackageResources.planned_mustache, "planned-form": PackageResources.planned_form_mustache,
            "inbox-tabs": PackageResources.inbox_tabs_mustache,
            "account": PackageResources.account_mustache, "audit": PackageResources.audit_mustache,
            "webhooks": PackageResources.webhooks_mustache,
            "webhook": PackageResources.webhook_mustache, "webhook-form": PackageResources.webhook_form_mustache,
            "webhook-format": PackageResources.webhook_format_mustache,
            "webhook-headers": PackageResources.webhook_headers_mustache,
            "webhook-filter": PackageResources.webhook_filter_mustache,
            "webhook-pace": PackageResources.webhook_pace_mustache,
            "webhook-certificates": PackageResources.webhook_certificates_mustache,
            "alerts": PackageResources.alerts_mustache, "alert-form": PackageResources.alert_form_mustache,
            "delivery": PackageResources.delivery_mustache, "events": PackageResources.events_mustache,
            "api-key": PackageResources.api_key_mustache, "users": PackageResources.users_mustache,
            "invited": PackageResources.invited_mustache, "invitation": PackageResources.invitation_mustache,
            "replay-form": PackageResources.replay_form_mustache, "replay": PackageResources.replay_mustache,
            "verify": PackageResources.verify_mustache, "system": PackageResources.system_mustache,
            "contacts": PackageResources.contacts_mustache, "contact-form": PackageResources.contact_form_mustache,
            "contact-import": PackageResources.contact_import_mustache,
            "contact-preview": PackageResources.contact_preview_mustache,
            "messages": PackageResources.messages_mustache, "conversation": PackageResources.conversation_mustache,
            "message": PackageResources.message_mustache, "message-form": PackageResources.message_form_mustache,
            "texts": PackageResources.texts_mustache, "text-form": PackageResources.text_form_mustache,
            "text-choice": PackageResources.text_choice_mustache,
            "bulk-columns": PackageResources.bulk_columns_mustache,
            "bulk-problems": PackageResources.bulk_problems_mustache,
            "bulk": PackageResources.bulk_mustache, "bulk-preview": PackageResources.bulk_preview_mustache,
            "bulk-batch": PackageResources.bulk_batch_mustache, "phones": PackageResources.phones_mustache,
            "phone": PackageResources.phone_mustache, "phone-new": PackageResources.phone_new_mustache,
            "connect": PackageResources.connect_mustache, "reach": PackageResources.reach_mustache,
            "phone-keys": PackageResources.phone_keys_mustache, "schedules": PackageResources.schedules_mustache,
            "forwarders": PackageResources.forwarders_mustache, "forwarder": PackageResources.forwarder_mustache,
            "schedule-form": PackageResources.schedule_form_mustache, "week": PackageResources.week_mustache,
        ]
        return MustacheLibrary(
            templates: try sources.mapValues {
                try MustacheTemplate(string: MarkupText.pragma + String(decoding: $0, as: UTF8.self))
            })
    }

    /// The page `title` for somebody who is signed in.
    func page(
        _ template: String, _ title: String, _ content: some Sendable, _ context: SignedInContext,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        page(template, title, content, context.page, status: status)
    }

    /// The page `title`, made of `template`, in which `content` is called `page`.
    func page(
        _ template: String, _ title: String, _ content: some Sendable, _ context: PageContext,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        let inner = Inner(page: content, formToken: context.formToken)
        let shell = Shell(
            title: Self.title(title, status, context), notice: context.notice?.text, help: Self.help(for: context.path),
            content: library.render(inner, withTemplate: template) ?? "", formToken: context.formToken,
            menuCount: Self.menuCount(context.menu), isSignedIn: context.session != nil,
            email: context.session?.email ?? "",
            theme: context.theme == .system ? nil : context.theme.rawValue, themeName: context.theme.rawValue,
            nextTheme: context.theme.next.rawValue,
            sections: Self.sections.filter { !$0.isOwners || context.session?.isOwner == true }.map {
                Shell.Section($0, context)
            },
            css: PageAssets.cssPath, script: PageAssets.scriptPath, icon: PageAssets.iconPath)
        let html = context.times.place(in: library.render(shell, withTemplate: "layout") ?? "")
        return Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: html)))
    }

    /// As the tab shows it: what is unread comes first, or that a form was not taken.
    private static func title(_ title: String, _ status: HTTPResponse.Status, _ context: PageContext) -> String {
        if status == .unprocessableContent { return "Error: \(title)" }
        return context.menu.unread > 0 ? "(\(context.menu.unread)) \(title)" : title
    }

    private static func menuCount(_ menu: MenuFigures) -> Int? {
        let count = menu.attention + menu.unread
        return count == 0 ? nil : count
    }

    /// Where the documentation of the page at `path` is: the first entry counts that it lies within.
    private static func help(for path: String) -> String {
        let entry = helpPages.first { path == $0.path || path.hasPrefix($0.path + "/") }
        return "/docs/\(entry?.page ?? "dashboard")"
    }

    private static let helpPages: [(path: String, page: String)] = [
        ("/attention", "dashboard#what-needs-attention"), ("/messages/texts", "dashboard#saved-texts"),
        ("/messages", "dashboard#messages"),
        ("/contacts", "dashboard#contacts"),
        ("/phones/forwarders", "forwarders"), ("/phones/new", "phones"), ("/phones", "dashboard#phones"),
        ("/settings/alerts", "alerts"), ("/settings/webhooks", "webhooks"),
        ("/deliveries", "errors#why-a-delivery-failed"), ("/events", "webhooks"),
        ("/replays", "dashboard#webhooks"), ("/system", "operations"), ("/users", "dashboard#the-first-account"),
        ("/account/log", "dashboard#log-of-changes"), ("/account", "dashboard#times"),
    ]

    /// A page that says what went wrong.
    func error(_ error: PageError, _ context: PageContext) -> Response {
        struct Content {
            let status: Int
            let reason: String
            let message: String
        }
        let reason = error.status.reasonPhrase
        return page(
            "error", reason, Content(status: error.status.code, reason: reason, message: error.message), context,
            status: error.status)
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
        /// What is counted beside it, and what that is called.
        var figure: (count: any KeyPath<MenuFigures, Int> & Sendable, what: String)?
    }

    private static let sections = [
        Entry(name: "Overview", path: "/"),
        Entry(name: "Attention", path: AttentionPages.path, figure: (\.attention, "to look at")),
        Entry(name: "Messages", path: "/messages", figure: (\.unread, "unread")),
        Entry(name: "Contacts", path: ContactPages.path),
        Entry(name: "Phones", path: PhonePages.path), Entry(name: "Webhooks", path: WebhookPages.path),
        Entry(name: "Events", path: "/events"), Entry(name: "Users", path: UserPages.path, isOwners: true),
        Entry(name: "System", path: SystemPages.path, isOwners: true), Entry(name: "Account", path: "/account"),
    ]
}
