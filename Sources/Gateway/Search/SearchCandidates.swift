import Delivery
import Storage

/// Which messages of an account may contain what somebody looks for, by the index.
enum SearchCandidates {
    /// Beyond these, what is looked for is so common that messages are better read in their order until a page is full.
    static let most = 4_000

    /// The messages that may contain `query`, and all that do are among them; nil when the index does not help: the text is
    /// too short, or they are more than ``most``. Call it in a transaction that only reads, which sees one state of things.
    ///
    /// - Parameters:
    ///   - query: What is looked for.
    ///   - condition: The same, of the message `m`: those that wait for the index are looked at themselves.
    ///   - segments: All of the account's.
    ///   - userID: The account.
    ///   - tx: The transaction.
    /// - Returns: Their ids, in order.
    /// - Throws: `StorageError`.
    static func all(
        for query: SearchQuery, where condition: SQL, in segments: [Int], userID: UserID, in tx: any Transaction
    ) throws -> [MessageID]? {
        let needles = [query.text] + query.numbers
        let asked = needles.compactMap(SearchGram.asked(for:))
        guard asked.count == needles.count else { return nil }
        var found: Set<MessageID> = []
        for numbers in asked {
            let rarest = try rarest(of: numbers, in: segments, userID: userID, tx)
            guard let ids = try messages(with: rarest, in: segments, userID: userID, tx) else { return nil }
            found.formUnion(ids)
        }
        found.formUnion(
            try SearchIndexQueries.waiting(where: condition, limit: most + 1, userID: userID, in: tx))
        return found.count > most ? nil : found.sorted()
    }

    /// Beyond these, another number leaves out hardly anything, and is a row of each segment.
    private static let mostAsked = 6

    /// Those of `numbers` that the fewest messages have, the rarest first, by what the newest segment has: a number that
    /// all have, such as of the digits that phone numbers begin with, takes longest to read and says nothing.
    private static func rarest(
        of numbers: [SearchGram.Number], in segments: [Int], userID: UserID, _ tx: any Transaction
    ) throws -> [SearchGram.Number] {
        guard let newest = segments.last else { return numbers }
        let parts = try SearchIndexQueries.parts(
            numbers.map(SearchSegment.part(of:)), ofSegment: newest, userID: userID, in: tx)
        let counted = numbers.map { number in
            let part = parts[SearchSegment.part(of: number)] ?? []
            return (number: number, count: SearchSegment.places(with: number, in: part)?.count ?? 0)
        }
        return counted.sorted { $0.count < $1.count }.prefix(mostAsked).map(\.number)
    }

    /// The messages that have all of `numbers`; nil when they are too many, or the index cannot be read.
    private static func messages(
        with numbers: [SearchGram.Number], in segments: [Int], userID: UserID, _ tx: any Transaction
    ) throws -> [MessageID]? {
        var places: [Int: [Int]]?
        for number in numbers {
            let left = places.map { $0.keys.sorted() } ?? segments
            if left.isEmpty { return [] }
            let parts = try SearchIndexQueries.parts(
                SearchSegment.part(of: number), of: left, isAll: places == nil, userID: userID, in: tx)
            var next: [Int: [Int]] = [:]
            for (segment, data) in parts {
                guard let those = SearchSegment.places(with: number, in: data) else { return nil }
                let both = places.map { intersection($0[segment] ?? [], those) } ?? those
                if !both.isEmpty { next[segment] = both }
            }
            places = next
        }
        let found = (places ?? [:]).sorted { $0.key < $1.key }.flatMap { segment, places in
            places.map { (segment: segment, place: $0) }
        }
        if found.count > most { return nil }
        return try SearchIndexQueries.ids(at: found, userID: userID, in: tx)
    }

    /// What is in both, which are in order.
    private static func intersection(_ left: [Int], _ right: [Int]) -> [Int] {
        var (both, rest): ([Int], ArraySlice<Int>) = ([], right[...])
        for place in left {
            rest = rest.drop { $0 < place }
            if rest.first == place { both.append(place) }
        }
        return both
    }
}
