import Delivery
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

    init(_ parameters: QueryParameters) {
        owner = PhoneNumber.address(parameters["owner"] ?? "")
        query = (parameters["query"] ?? "").trimmed
        contact = (parameters["contact"] ?? "").trimmed
        type = parameters["type"].flatMap(MessageType.init(rawValue:))
        status = parameters["status"].flatMap(MessageStatus.init(rawValue:))
        from = Self.day(parameters["from"])
        to = Self.day(parameters["to"])
        isArchived = parameters["archived"] == "1"
    }

    private static func day(_ text: String?) -> String {
        let day = (text ?? "").trimmed
        return PageTime.time(ofField: "\(day)T00:00") == nil ? "" : day
    }

    /// Whether anything but the phone narrows it down to single messages.
    var isSearch: Bool { !query.isEmpty || hasDetails }

    /// Whether one of the fields is used that are folded away.
    var hasDetails: Bool { !(contact + from + to).isEmpty || type != nil || status != nil }

    /// What is looked for in the messages.
    func search(_ page: Page) -> MessageSearch {
        MessageSearch(
            owners: owner.isEmpty ? [] : [owner], types: [type?.rawValue].compactMap(\.self),
            statuses: [status?.rawValue].compactMap(\.self), sortBy: .createdAt, isDescending: true, page: page,
            contact: contact.isEmpty ? nil : PhoneNumber.contact(contact, owner: owner),
            since: PageTime.time(ofField: "\(from)T00:00"),
            until: PageTime.time(ofField: "\(to)T00:00").map { $0 + .seconds(86_400) })
    }

    /// The same list from its `skip`th row on.
    func path(skip: Int) -> String {
        PageLink.to(
            "/messages",
            [
                "owner": owner, "archived": isArchived ? "1" : "", "query": query, "contact": contact,
                "type": type?.rawValue ?? "", "status": status?.rawValue ?? "", "from": from, "to": to,
                "skip": skip > 0 ? String(skip) : "",
            ])
    }
}
