import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps
import Wire

/// What the list of messages is narrowed to, as its address says it.
struct InboxFilter: Sendable {
    /// The number of a phone; empty for all of them.
    let owner: String
    let query: String
    /// The other party as it was typed.
    let contact: String
    let type: MessageType?
    let status: MessageStatus?
    /// Days as a browser writes them, `2026-07-22`; empty for any.
    let from: String
    let to: String
    let isArchived: Bool
    /// Only what whoever is signed in looks after.
    let isMine: Bool
    /// Only unread conversations.
    let isUnreadOnly: Bool
    private let since: Timestamp?
    private let until: Timestamp?

    /// Days are those of the account.
    init(_ parameters: QueryParameters, _ times: PageTimes) {
        owner = PhoneNumber.address(parameters["owner"] ?? "")
        query = (parameters["query"] ?? "").trimmed
        contact = (parameters["contact"] ?? "").trimmed
        type = parameters["type"].flatMap(MessageType.init(rawValue:))
        status = parameters["status"].flatMap(MessageStatus.init(rawValue:))
        let (first, last) = ((parameters["from"] ?? "").trimmed, (parameters["to"] ?? "").trimmed)
        since = times.time(ofField: "\(first)T00:00")
        // A day is over when the next one begins, which may be 23 or 25 hours later.
        until = times.time(ofField: "\(last)T23:59:59").map { $0 + .seconds(1) }
        from = since == nil ? "" : first
        to = until == nil ? "" : last
        isArchived = parameters["archived"] == "1"
        isMine = parameters["mine"] == "1"
        isUnreadOnly = parameters["unread"] == "1"
    }

    /// Whether anything but the phone narrows it down to single messages.
    var isSearch: Bool { !query.isEmpty || hasDetails }

    /// Whether one of the fields is used that are folded away.
    var hasDetails: Bool { !(contact + from + to).isEmpty || type != nil || status != nil }

    /// What is looked for in the messages; `named` are the numbers of those whose name was typed as the other party.
    func search(_ page: Page, named: [String]) -> MessageSearch {
        MessageSearch(
            owners: owner.isEmpty ? [] : [owner], types: [type?.rawValue].compactMap(\.self),
            statuses: [status?.rawValue].compactMap(\.self), sortBy: .createdAt, isDescending: true, page: page,
            contacts: contact.isEmpty ? [] : [PhoneNumber.contact(contact, owner: owner)] + named,
            since: since, until: until)
    }

    /// The same list from its `skip`th row on.
    func path(skip: Int) -> String {
        PageLink.to(
            "/messages",
            [
                "owner": owner, "archived": isArchived ? "1" : "", "mine": isMine ? "1" : "",
                "unread": isUnreadOnly ? "1" : "", "query": query, "contact": contact,
                "type": type?.rawValue ?? "", "status": status?.rawValue ?? "", "from": from, "to": to,
                "skip": skip > 0 ? String(skip) : "",
            ])
    }
}
