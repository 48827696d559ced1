import Delivery
import Hummingbird
import Storage

/// What `GET /v1/messages/search` looks for (contract 4.1.10), without the captcha of the hosted service. Empty lists and
/// an empty text leave nothing out.
struct MessageSearch: Sendable {
    let owners: [String]
    let types: [String]
    let statuses: [String]
    let sortBy: Column
    let isDescending: Bool
    let page: Page

    /// What results can be sorted by; equal ones by the time they were made.
    enum Column: String, CaseIterable, Sendable {
        case createdAt = "created_at"
        case owner, contact, type, status
    }
}

extension MessageSearch {
    /// Reads the query string.
    ///
    /// - Throws: `APIError` 422 when a rule is broken, 400 when `sort_descending` is neither true nor false.
    init(_ parameters: QueryParameters) throws(APIError) {
        let owners = parameters.list("owners").map(PhoneNumber.address)
        let types = parameters.list("types")
        let statuses = parameters.list("statuses")
        let column = (parameters["sort_by"] ?? "").trimmed
        let descending = (parameters["sort_descending"] ?? "").trimmed.lowercased()
        guard ["", "0", "1", "f", "t", "false", "true"].contains(descending) else {
            throw APIError.badRequest("sort_descending must be true or false")
        }
        var errors = FieldErrors()
        errors.requireContacts("owners", owners)
        errors.requireAll("types", types, of: MessageType.allCases.map(\.rawValue))
        errors.requireAll("statuses", statuses, of: MessageStatus.allCases.map(\.rawValue))
        if !column.isEmpty { errors.requireOne("sort_by", column, of: Column.allCases.map(\.rawValue)) }
        let page = Page(parameters, limit: 100, maximum: 200, queryLength: 50, errors: &errors)
        try errors.check("validation errors while searching messages")
        self.init(
            owners: owners, types: types, statuses: statuses, sortBy: Column(rawValue: column) ?? .createdAt,
            isDescending: ["1", "t", "true"].contains(descending), page: page)
    }
}

extension MessageQueries {
    /// The messages of `userID` that `search` looks for. Index: `message_recent` for the usual order.
    static func find(_ search: MessageSearch, userID: UserID, in tx: any Transaction) throws -> [Message] {
        var filter: SQL = "user_id = \(userID)"
        if !search.owners.isEmpty { filter = filter + "AND owner IN \(list: search.owners)" }
        if !search.types.isEmpty { filter = filter + "AND type IN \(list: search.types)" }
        if !search.statuses.isEmpty { filter = filter + "AND status IN \(list: search.statuses)" }
        if !search.page.query.isEmpty {
            let pattern = SQLPattern.containing(search.page.query)
            // Only a whole id is looked for: part of one would match by chance.
            let id = MessageID(search.page.query)?.text ?? ""
            filter =
                filter + """
                    AND (LOWER(content) LIKE \(pattern) ESCAPE '\\' OR LOWER(contact) LIKE \(pattern) ESCAPE '\\'
                        OR LOWER(failure_reason) LIKE \(pattern) ESCAPE '\\'
                        OR LOWER(request_id) LIKE \(pattern) ESCAPE '\\' OR id = \(id))
                    """
        }
        let order: SQL =
            switch (search.sortBy, search.isDescending) {
            case (.createdAt, false): "created_at, id"
            case (.createdAt, true): "created_at DESC, id DESC"
            case (.owner, false): "owner, created_at, id"
            case (.owner, true): "owner DESC, created_at DESC, id DESC"
            case (.contact, false): "contact, created_at, id"
            case (.contact, true): "contact DESC, created_at DESC, id DESC"
            case (.type, false): "type, created_at, id"
            case (.type, true): "type DESC, created_at DESC, id DESC"
            case (.status, false): "status, created_at, id"
            case (.status, true): "status DESC, created_at DESC, id DESC"
            }
        return try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE \(filter)
            ORDER BY \(order)
            LIMIT \(search.page.limit) OFFSET \(search.page.skip)
            """)
    }
}
