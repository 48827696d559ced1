import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps
import Wire

/// Messages: the conversations of all of the user's phones or of one, and the messages that a search finds.
struct ThreadListPages: Sendable {
    let store: any Store
    let clock: any WallClock
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages", use: list)
    }

    private struct Content {
        let filter: InboxFilter
        let tabs: InboxTabs
        let numbers: [Choice]
        let hasNumbers: Bool
        /// Whether there are several phones, and each row says which it is.
        let hasMany: Bool
        let types: [Choice]
        let statuses: [Choice]
        let newPath: String
        let problem: String?
        /// Nil while conversations are shown.
        let found: [MessageLine]?
        let people: [Person]
        let hasPeople: Bool
        let threads: [ThreadLine]
        let hasTeam: Bool
        /// The conversations that whoever is signed in looks after.
        let minePath: String
        /// Whether unread ones can be had apart, or are.
        let hasUnread: Bool
        let unreadPath: String
        let isSearch: Bool
        let isLive: Bool
        let newerPage: String?
        let olderPage: String?
        let allPath: String
    }

    private struct Found {
        var numbers: [String] = []
        var planned = 0
        var threads: [MessageThread] = []
        var assignees: [MessageThreadID: String] = [:]
        /// Whether several people work in the account.
        var hasTeam = false
        var messages: [Message] = []
        var people: [Contact] = []
    }

    /// Somebody of the address book whom a search finds.
    private struct Person {
        let name: String
        let path: String

        init?(_ contact: Contact, owner: String) {
            guard let number = contact.numbers.first else { return nil }
            name = contact.name.isEmpty ? PageParty.text(number) : contact.name.firstScalars(100)
            path = PageLink.to("/messages", ["owner": owner, "contact": number])
        }
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let parameters = QueryParameters(request)
        let filter = InboxFilter(parameters, context.page.times)
        let slice = ListSlice(parameters, size: 30)
        var errors = FieldErrors()
        errors.requireCharacters("query", filter.query, max: 50)
        let problem = errors.messages.values.flatMap(\.self).first.map { PageProblems.plain($0, at: "query") }
        let found = try await store.read(.user(userID)) { tx in
            var found = Found(
                numbers: try PhoneNumbers.list(of: userID, in: tx),
                planned: try MessageQueries.plannedCount(of: userID, in: tx))
            if problem != nil { return found }
            if filter.isSearch {
                let named = try Self.contacts(filter.contact, Self.mostNamed, of: userID, in: tx).flatMap(\.numbers)
                let messages = try MessageQueries.find(
                    filter.search(slice.page(matching: filter.query), named: Array(named.prefix(Self.mostNamed))),
                    userID: userID, in: tx)
                found.messages = try MessagePlanner.forecast(for: messages, in: tx)
                found.people = try Self.contacts(filter.query, Self.mostPeople, of: userID, in: tx)
            } else {
                found.threads = try MessageThreadQueries.inbox(
                    of: userID, owner: filter.owner.isEmpty ? nil : filter.owner,
                    assignee: filter.isMine ? context.session.email : nil, isArchived: filter.isArchived,
                    isUnreadOnly: filter.isUnreadOnly, page: slice.page(), in: tx)
                found.assignees = try ThreadWorkQueries.assignees(
                    of: found.threads.map(\.id), userID: userID, in: tx)
                found.hasTeam = try ThreadWorkQueries.people(of: userID, in: tx).count > 1
            }
            return found
        }
        let now = clock.now()
        let people = !slice.isFirst ? [] : found.people.compactMap { Person($0, owner: filter.owner) }
        // One that is chosen stays visible, whether or not there is such a phone any more.
        let numbers = (found.numbers + (filter.owner.isEmpty ? [] : [filter.owner])).unique
        let count = max(found.threads.count, found.messages.count)
        return views.page(
            .messages, "Messages",
            Content(
                filter: filter,
                tabs: InboxTabs(
                    filter.isArchived ? .archived : .inbox, owner: filter.owner, planned: found.planned,
                    unread: context.page.menu.unread),
                numbers: Choice.phones(numbers, chosen: filter.owner),
                hasNumbers: !numbers.isEmpty || count > 0, hasMany: numbers.count > 1 && filter.owner.isEmpty,
                types: [
                    Choice(MessageType.mobileTerminated, "sent by us", filter.type),
                    Choice(MessageType.mobileOriginated, "received", filter.type),
                    Choice(MessageType.missedCall, "missed calls", filter.type),
                ],
                statuses: MessageStatus.allCases.map { Choice($0, $0.words, filter.status) },
                newPath: PageLink.to("/messages/new", ["from": filter.owner]), problem: problem,
                found: filter.isSearch ? found.messages.prefix(slice.size).map { MessageLine($0, now: now) } : nil,
                people: people, hasPeople: !people.isEmpty,
                threads: found.threads.prefix(slice.size).map { ThreadLine($0, assignee: found.assignees[$0.id]) },
                hasTeam: found.hasTeam || filter.isMine,
                minePath: PageLink.to("/messages", ["owner": filter.owner, "mine": "1"]),
                hasUnread: filter.isUnreadOnly || context.page.menu.unread > 0 && !filter.isArchived && !filter.isMine,
                unreadPath: PageLink.to("/messages", ["owner": filter.owner, "unread": "1"]),
                isSearch: filter.isSearch, isLive: !filter.isSearch && slice.isFirst,
                newerPage: slice.newerPage(filter.path),
                olderPage: slice.olderPage(of: count, filter.path),
                allPath: PageLink.to("/messages", ["owner": filter.owner])),
            context, status: problem == nil ? .ok : .unprocessableContent)
    }

    /// Those in the address book that have `text` in their name, their number, their e-mail addresses or their note.
    private static func contacts(
        _ text: String, _ count: Int, of userID: UserID, in tx: any Transaction
    ) throws -> [Contact] {
        if text.isEmpty { return [] }
        return try ContactQueries.list(userID: userID, page: Page(skip: 0, limit: count, query: text), in: tx)
    }

    /// Links above what a search finds.
    private static let mostPeople = 5
    /// Numbers that a name as the other party stands for.
    private static let mostNamed = 100
}

/// The lists of messages, one of which is shown.
struct InboxTabs: Sendable {
    enum Tab: Sendable {
        case inbox, planned, archived
    }

    let inboxPath: String
    let plannedPath: String
    let archivePath: String
    let isInbox: Bool
    let isPlanned: Bool
    let isArchived: Bool
    /// Nil when there is none.
    let unread: Int?
    /// Nil when there is none.
    let planned: Int?

    /// - Parameters:
    ///   - tab: The one that is shown.
    ///   - owner: The phone that is chosen; empty for all.
    ///   - planned: How many messages are planned, of all phones.
    ///   - unread: How many conversations are unread, of all phones.
    init(_ tab: Tab, owner: String, planned: Int, unread: Int) {
        inboxPath = PageLink.to("/messages", ["owner": owner])
        plannedPath = PageLink.to(PlannedPages.path, ["owner": owner])
        archivePath = PageLink.to("/messages", ["owner": owner, "archived": "1"])
        (isInbox, isPlanned, isArchived) = (tab == .inbox, tab == .planned, tab == .archived)
        self.planned = planned == 0 ? nil : planned
        self.unread = unread == 0 ? nil : unread
    }
}

extension MessageStatus {
    /// As pages call it.
    var words: String {
        switch self {
        case .pending: "waiting"
        case .scheduled: "handed to the phone"
        case .sending: "being sent"
        case .sent: "sent"
        case .delivered: "delivered"
        case .failed: "failed"
        case .expired: "expired"
        case .received: "received"
        }
    }
}

/// The user's own numbers, as pages offer them.
enum PhoneNumbers {
    /// Those of the newest 100 phones, newest first.
    static func list(of userID: UserID, in tx: any Transaction) throws -> [String] {
        try PhoneQueries.list(userID: userID, page: Page(skip: 0, limit: 100, query: ""), in: tx).map(\.phoneNumber)
    }
}
