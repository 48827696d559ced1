import Delivery
import Logging
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Searches by the index find what searches without one do, on every engine.
@Suite(.timeLimit(.minutes(15))) struct SearchIndexTests {
    private static let user = UserID("user")
    private static let owners = ["+18005550199", "+447700900123"]
    private static let words = ["ПРИВЕТ", "Café", "漢字", "100%", "a_b", "booked", "Straße", "👍", "two", "مُحَمَّد", "x"]
    private static let queries = [
        "привет", "cafe", "漢", "漢字", "%", "100%", "A_B", "booked two", "strasse", "👍", "محمد", "x", "message 7",
        "message 77",
        "07700 900 107", "0044 7700 900 107", "(800) 555-0", "+1 800", "reference-1", "nothing at all", "\u{301}",
    ]

    @Test(arguments: Engine.enabled) func theIndexChangesNothingOfWhatIsFound(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let ids = try await Self.fill(store, 0..<300)
            let before = try await Self.all(store)
            try await Self.indexer(store).index()

            #expect(try await Self.counts(store) == [18, 300 - 18 * 16])
            #expect(try await Self.all(store) == before)

            // Reasons that come later, deleted messages, texts that are not folded, and new ones.
            try await store.write { tx in
                for id in ids[40..<60] {
                    let message = try #require(try MessageQueries.find(id, userID: Self.user, in: tx))
                    try MessageOperations.fail(message, because: "Kein Café", in: tx)
                }
                for id in ids[60..<70] { try MessageQueries.delete(id, in: tx) }
                for id in ids[70..<80] {
                    try tx.run("UPDATE message SET search_text = NULL WHERE id = \(id)")
                }
            }
            _ = try await Self.fill(store, 300..<310)
            let changed = try await Self.all(store)
            #expect(changed != before)
            try await Self.indexer(store).index()
            #expect(try await Self.all(store) == changed)
            _ = try await store.write { tx in try SearchFillQueries.step(in: tx) }
            try await Self.indexer(store).index()
            #expect(try await Self.all(store) == changed)

            // The truth, without any index.
            try await store.write { tx in
                try tx.run("DELETE FROM search_segment")
                try tx.run("DELETE FROM search_part")
            }
            #expect(try await Self.all(store) == changed)
        }
    }

    @Test func aRareTextIsLookedUpAndNotSearchedFor() async throws {
        try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            _ = try await Self.fill(store, 0..<64)
            try await Self.indexer(store).index()
            let plans = try await queryPlans(of: store) { tx in _ = try Self.find("message 7", in: tx) }

            #expect(plans.contains { $0.contains("SEARCH p USING INDEX sqlite_autoindex_search_part_1") }, "\(plans)")
            #expect(
                plans.contains { $0.contains("SEARCH m USING INDEX sqlite_autoindex_message_1 (id=?)") }, "\(plans)")
            // Of the first look, which reads no more than its 1,000 messages.
            #expect(plans.filter { $0.hasPrefix("SCAN") } == ["SCAN m"], "\(plans)")
            #expect(plans.contains("CO-ROUTINE m"), "\(plans)")
        }
    }

    @Test(arguments: Engine.enabled) func aReasonThatComesWhileItIsIndexedIsNotLost(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let ids = try await Self.fill(store, 0..<16)
            let waiting = try await store.read { tx in
                try SearchIndexQueries.waiting(of: Self.user, after: nil, limit: 100, in: tx)
            }
            try await store.write { tx in
                let message = try #require(try MessageQueries.find(ids[3], userID: Self.user, in: tx))
                try MessageOperations.fail(message, because: "Kein Netz", in: tx)
            }
            var segment = SearchSegment()
            for message in waiting { segment.add(message.id, message.text ?? "") }
            let made = segment
            let isMade = try await store.write { tx in
                try SearchIndexQueries.insert(made, of: waiting, userID: Self.user, in: tx)
            }

            #expect(isMade)
            #expect(try await Self.counts(store) == [1, 1])
            #expect(try await store.read { tx in try Self.find("kein netz", in: tx) } == [ids[3]])
            // Another server that read the same finds them taken.
            let isMadeAgain = try await store.write { tx in
                try SearchIndexQueries.insert(made, of: waiting, userID: Self.user, in: tx)
            }
            #expect(!isMadeAgain)
        }
    }

    @Test(arguments: Engine.enabled) func whatWasDeletedLeavesTheIndexInTime(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            for round in 0..<10 {
                let ids = try await Self.fill(store, round * 32..<(round + 1) * 32)
                try await Self.indexer(store).index()
                try await store.write { tx in for id in ids.dropLast(2) { try MessageQueries.delete(id, in: tx) } }
            }

            let counts = try await Self.counts(store)
            // 20 were made, and each looked at another; which one, those that are as old as each other leave open.
            #expect(counts[0] <= 10, "\(counts)")
            #expect(try await store.read { tx in try Self.find("message", in: tx) }.count == 20)
        }
    }

    @Test(arguments: Engine.enabled) func accountsHaveIndexesOfTheirOwn(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let (mine, others) = (
                try await Self.fill(store, 0..<32), try await Self.fill(store, 0..<32, UserID("other"))
            )
            _ = try await Self.fill(store, 0..<5, UserID("third"))
            try await Self.indexer(store).index()

            #expect(try await Self.counts(store) == [4, 5])
            #expect(try await store.read { tx in try Self.find("message 7", in: tx) } == [mine[7]])
            #expect(
                try await store.read { tx in try Self.find("message 7", UserID("other"), in: tx) } == [others[7]])
            #expect(try await store.read { tx in try Self.find("message 4", UserID("third"), in: tx) }.count == 1)
        }
    }

    private static func indexer(_ store: any Store) -> SearchIndexer {
        SearchIndexer(store: store, clock: SystemClock(), logger: Logger(label: "test"), size: 16)
    }

    /// Segments, and messages that wait.
    private static func counts(_ store: any Store) async throws -> [Int] {
        try await store.read { tx in
            [
                try tx.value("SELECT COUNT(*) AS value FROM search_segment") ?? -1,
                try tx.value("SELECT COUNT(*) AS value FROM message_unindexed") ?? -1,
            ]
        }
    }

    /// What is found for every query, in several orders, pages and choices.
    private static func all(_ store: any Store) async throws -> [String: [MessageID]] {
        var found: [String: [MessageID]] = [:]
        // A read has a deadline, too.
        for query in queries {
            let results = try await store.read { tx in
                try searches(query).map { name, search in
                    (name, try MessageQueries.find(search, userID: user, in: tx).map(\.id))
                }
            }
            for (name, ids) in results { found["\(query) \(name)"] = ids }
        }
        return found
    }

    private static func searches(_ query: String) -> [(String, MessageSearch)] {
        func search(
            _ sortBy: MessageSearch.Column, _ isDescending: Bool, _ skip: Int, _ limit: Int, _ chosen: [String] = [],
            _ statuses: [String] = []
        ) -> MessageSearch {
            MessageSearch(
                owners: chosen, types: [], statuses: statuses, sortBy: sortBy, isDescending: isDescending,
                page: Page(skip: skip, limit: limit, query: query))
        }
        return [
            ("oldest", search(.createdAt, false, 0, 20)), ("newest", search(.createdAt, true, 3, 5)),
            ("all", search(.createdAt, false, 0, 200)), ("contact", search(.contact, true, 0, 200)),
            ("status", search(.status, false, 10, 200)), ("none", search(.createdAt, false, 0, 0)),
            ("owner", search(.createdAt, false, 0, 200, [owners[1]])),
            ("failed", search(.createdAt, true, 0, 200, [], ["failed"])),
        ]
    }

    private static func find(_ query: String, _ user: UserID = user, in tx: any Transaction) throws -> [MessageID] {
        let search = MessageSearch(
            owners: [], types: [], statuses: [], sortBy: .createdAt, isDescending: false,
            page: Page(skip: 0, limit: 100, query: query))
        return try MessageQueries.find(search, userID: user, in: tx).map(\.id)
    }

    /// Stores messages with these numbers; gives their ids.
    private static func fill(
        _ store: any Store, _ numbers: Range<Int>, _ user: UserID = user
    ) async throws -> [MessageID] {
        var ids: [MessageID] = []
        // A busy PostgreSQL takes a while for each message, and a transaction has a deadline.
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 20) {
            let slice = start..<min(start + 20, numbers.upperBound)
            ids += try await store.write { tx in try slice.map { try add($0, user, in: tx) } }
        }
        return ids
    }

    private static func add(_ number: Int, _ user: UserID, in tx: any Transaction) throws -> MessageID {
        let now = tx.now + .microseconds(number)
        let owner = owners[number % 2]
        let phone = Phone(id: PhoneID(at: now), userID: user, phoneNumber: owner, at: now)
        let said = words.indices.filter { (number * 7 + $0 * 3) % 5 == 0 }.map { words[$0] }
        let message = Message(
            outgoing: MessageID(at: now), from: phone, to: "+447700900\(100 + number)",
            content: "Message \(number). \(said.joined(separator: " "))",
            requestID: number.isMultiple(of: 9) ? "Reference-\(number)" : nil, source: "/", at: now)
        try MessageQueries.insert(message, in: tx)
        return message.id
    }
}
