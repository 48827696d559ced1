import Delivery
import Hummingbird
import Storage
import Timestamps
import Wire

/// Messages: the conversations of one of the user's phones, and the messages that hold a text.
struct ThreadListPages: Sendable {
    let store: any Store
    let clock: any WallClock
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages", use: list)
    }

    private struct Content {
        let owner: String
        let numbers: [Choice]
        let hasNumbers: Bool
        let query: String
        let isArchived: Bool
        let inboxPath: String
        let archivePath: String
        let newPath: String
        let problem: String?
        /// Nil while conversations are shown.
        let found: [MessageLine]?
        let threads: [ThreadLine]
        let isSearch: Bool
        let isLive: Bool
        let newerPage: String?
        let olderPage: String?
        let allPath: String
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let parameters = QueryParameters(request)
        let asked = PhoneNumber.address(parameters["owner"] ?? "")
        let isArchived = parameters["archived"] == "1"
        var errors = FieldErrors()
        // One more than a page tells whether there is another one.
        let page = Page(
            parameters, limit: Self.pageSize + 1, maximum: Self.pageSize + 1, queryLength: 50, errors: &errors)
        let problem = errors.messages.values.flatMap(\.self).first
        let isSearch = !page.query.isEmpty
        let (numbers, owner, threads, messages) = try await store.read(.user(userID)) { tx in
            let numbers = try PhoneNumbers.list(of: userID, in: tx)
            let owner = asked.isEmpty ? numbers.first ?? "" : asked
            if owner.isEmpty || problem != nil { return (numbers, owner, [MessageThread](), [Message]()) }
            if isSearch {
                let search = MessageSearch(
                    owners: [owner], types: [], statuses: [], sortBy: .createdAt, isDescending: true, page: page)
                let found = try MessageQueries.find(search, userID: userID, in: tx)
                return (numbers, owner, [], try MessagePlanner.forecast(for: found, in: tx))
            }
            let threads = try MessageThreadQueries.list(
                userID: userID, owner: owner, isArchived: isArchived, page: page, in: tx)
            return (numbers, owner, threads, [])
        }
        let now = clock.now()
        let archived = isArchived ? "1" : ""
        func path(skip: Int) -> String {
            PageLink.to(
                "/messages",
                ["owner": owner, "archived": archived, "query": page.query, "skip": skip > 0 ? String(skip) : ""])
        }
        return views.page(
            "messages", "Messages",
            Content(
                owner: owner,
                // One that is chosen stays visible, whether or not there is such a phone any more.
                numbers: Choice.all((numbers + (owner.isEmpty ? [] : [owner])).unique, chosen: owner),
                hasNumbers: !owner.isEmpty, query: page.query, isArchived: isArchived,
                inboxPath: PageLink.to("/messages", ["owner": owner]),
                archivePath: PageLink.to("/messages", ["owner": owner, "archived": "1"]),
                newPath: PageLink.to("/messages/new", ["from": owner]), problem: problem,
                found: isSearch ? messages.prefix(Self.pageSize).map { MessageLine($0, now: now) } : nil,
                threads: threads.prefix(Self.pageSize).map { ThreadLine($0, now: now) }, isSearch: isSearch,
                isLive: !isSearch && page.skip == 0,
                newerPage: page.skip > 0 ? path(skip: max(0, page.skip - Self.pageSize)) : nil,
                olderPage: max(threads.count, messages.count) > Self.pageSize
                    ? path(skip: page.skip + Self.pageSize) : nil,
                allPath: PageLink.to("/messages", ["owner": owner, "archived": archived])),
            context, status: problem == nil ? .ok : .unprocessableContent)
    }

    private static let pageSize = 30
}

/// The user's own numbers, as pages offer them.
enum PhoneNumbers {
    /// Those of the newest 100 phones, newest first.
    static func list(of userID: UserID, in tx: any Transaction) throws -> [String] {
        try PhoneQueries.list(userID: userID, page: Page(skip: 0, limit: 100, query: ""), in: tx).map(\.phoneNumber)
    }
}
