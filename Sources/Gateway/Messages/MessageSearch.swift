import Delivery
import Storage
import Timestamps
import Wire

/// What `GET /v1/messages/search` looks for, without the captcha of the hosted service. Empty lists and
/// an empty text leave nothing out.
package struct MessageSearch: Sendable {
    let owners: [String]
    let types: [String]
    let statuses: [String]
    let sortBy: Column
    let isDescending: Bool
    var page: Page
    /// Only those with one of these other parties, as they are stored.
    var contacts: [String] = []
    /// Only those accepted from then on; nil for all.
    var since: Timestamp?
    /// Only those accepted before then; nil for all.
    var until: Timestamp?

    /// Says it all.
    package init(
        owners: [String], types: [String], statuses: [String], sortBy: Column, isDescending: Bool, page: Page,
        contacts: [String] = [], since: Timestamp? = nil, until: Timestamp? = nil
    ) {
        (self.owners, self.types, self.statuses, self.contacts) = (owners, types, statuses, contacts)
        (self.sortBy, self.isDescending, self.page) = (sortBy, isDescending, page)
        (self.since, self.until) = (since, until)
    }

    /// What results can be sorted by; equal ones by the time they were made.
    package enum Column: String, CaseIterable, Sendable {
        case createdAt = "created_at"
        case owner, contact, type, status
    }
}

extension MessageSearch {
    /// The same for a page with one row more, which tells whether there is a next one.
    var withOneMore: MessageSearch {
        var search = self
        search.page = page.withOneMore
        return search
    }

    /// Reads the query string.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.malformed` when `sort_descending` is neither true
    ///   nor false.
    init(_ parameters: QueryParameters) throws(Refusal) {
        let owners = parameters.list("owners").map(PhoneNumber.address)
        let types = parameters.list("types")
        let statuses = parameters.list("statuses")
        let column = (parameters["sort_by"] ?? "").trimmed
        let descending = (parameters["sort_descending"] ?? "").trimmed.lowercased()
        guard ["", "0", "1", "f", "t", "false", "true"].contains(descending) else {
            throw Refusal.malformed("sort_descending must be true or false")
        }
        var errors = FieldErrors()
        errors.requireContacts("owners", owners)
        errors.requireAll("types", types, of: MessageType.allCases.map(\.rawValue))
        errors.requireAll("statuses", statuses, of: MessageStatus.allCases.map(\.rawValue))
        if !column.isEmpty { errors.requireOne("sort_by", column, of: Column.allCases.map(\.rawValue)) }
        let since = errors.requireTime("since", parameters["since"])
        let until = errors.requireTime("until", parameters["until"])
        let contact = parameters.rawNumber("contact")
        let page = Page(parameters, limit: 100, maximum: 200, queryLength: 50, errors: &errors)
        try errors.check("validation errors while searching messages")
        self.init(
            owners: owners, types: types, statuses: statuses, sortBy: Column(rawValue: column) ?? .createdAt,
            isDescending: ["1", "t", "true"].contains(descending), page: page,
            contacts: contact.isEmpty ? [] : [PhoneNumber.contact(contact, owner: owners.first ?? "")],
            since: since, until: until)
    }
}
