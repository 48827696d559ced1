import Delivery
import Storage

extension MessageQueries {
    /// The messages of `userID` that `search` looks for.
    ///
    /// Messages are read in their order until the page is full: all of them where there is no index of the texts yet, else
    /// the first 1,000. What is not as common as that is looked up in the index; what is too common for it, or too short, is
    /// read in order after all. Indexes: `message_recent` for the usual order, `message_unfolded`, ``SearchCandidates``.
    package static func find(_ search: MessageSearch, userID: UserID, in tx: any Transaction) throws -> [Message] {
        let query = try SearchQuery(search.page.query) {
            search.owners.isEmpty ? try PhoneQueries.numbers(of: userID, in: tx) : search.owners
        }
        if query.isEmpty { return try page(of: "message m", where: "m.user_id = \(userID)", search, in: tx) }
        let others = try others(search, query, userID: userID, in: tx)
        let text = query.condition(folded: "m.search_text", number: "m.contact")
        let isFound: SQL = "(\(text) OR m.id IN \(list: SearchIndexQueries.padded(others)))"
        let segments = try SearchIndexQueries.segments(of: userID, in: tx)
        if !segments.isEmpty {
            if search.sortBy == .createdAt {
                let found = try page(of: firstLook(search, userID: userID), where: isFound, search, in: tx)
                if found.count == search.page.limit { return found }
            }
            let candidates = try SearchCandidates.all(for: query, where: text, in: segments, userID: userID, in: tx)
            if let candidates {
                let ids = SearchIndexQueries.padded(candidates + others)
                // By its account, all of a large one would be read.
                let account: SQL = "COALESCE(m.user_id, '') = \(userID)"
                return try page(
                    of: "message m", where: "m.id IN \(list: ids) AND \(account) AND \(isFound)", search, in: tx)
            }
        }
        return try page(of: "message m", where: "m.user_id = \(userID) AND \(isFound)", search, in: tx)
    }

    /// What the index does not know of: what is not folded yet, and a message that is looked for by its id.
    private static func others(
        _ search: MessageSearch, _ query: SearchQuery, userID: UserID, in tx: any Transaction
    ) throws -> [MessageID] {
        let unfolded = try SearchFillQueries.messages(of: userID, in: tx) { content, contact, row in
            try query.isIn(content) || query.isInNumber(contact) || query.isIn(row.find("failure_reason") ?? "")
                || query.isIn(row.find("request_id") ?? "")
        }
        // Only a whole id is looked for: part of one would match by chance.
        return unfolded + [MessageID(search.page.query)].compactMap(\.self)
    }

    /// The first messages in the usual order, whatever they are.
    private static func firstLook(_ search: MessageSearch, userID: UserID) -> SQL {
        """
        (SELECT *
            FROM message
            WHERE user_id = \(userID)
            ORDER BY \(search.order)
            LIMIT \(literal: 1_000)) AS m
        """
    }

    private static func page(
        of messages: SQL, where condition: SQL, _ search: MessageSearch, in tx: any Transaction
    ) throws -> [Message] {
        var filter = condition + "AND \(ThreadErasureQueries.isLeft("m"))"
        if !search.owners.isEmpty { filter = filter + "AND owner IN \(list: search.owners)" }
        if !search.types.isEmpty { filter = filter + "AND type IN \(list: search.types)" }
        if !search.statuses.isEmpty { filter = filter + "AND status IN \(list: search.statuses)" }
        if !search.contacts.isEmpty { filter = filter + "AND contact IN \(list: search.contacts)" }
        if let since = search.since { filter = filter + "AND created_at >= \(since)" }
        if let until = search.until { filter = filter + "AND created_at < \(until)" }
        return try tx.all(
            Message.self,
            """
            SELECT m.*
            FROM \(messages)
            WHERE \(filter)
            ORDER BY \(search.order)
            LIMIT \(search.page.limit) OFFSET \(search.page.skip)
            """)
    }
}

extension MessageSearch {
    /// The order of the results, in which no two are alike.
    fileprivate var order: SQL {
        switch (sortBy, isDescending) {
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
    }
}
