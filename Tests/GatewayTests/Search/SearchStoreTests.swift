import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Searches in a store, on every engine.
@Suite(.timeLimit(.minutes(15))) struct SearchStoreTests {
    /// Numbers and texts, in the order in which they came.
    private static let texts: [(contact: String, content: String)] = [
        ("+447700900456", "ПРИВЕТ мир"), ("+12125550188", "Ärger im Café"), ("MTN", "100% sure_thing \\ o"),
        ("Überfall", "漢字 と ｶﾞ"), ("+18005550100", "it's 2125550188"),
    ]

    private static let table: [(query: String, found: [Int])] = [
        ("привет", [0]), ("МИР", [0]), ("arger", [1]), ("ÄRGER", [1]), ("CAFÉ", [1]), ("cafe", [1]),
        ("CAFE\u{301}", [1]),
        ("%", [2]), ("_", [2]), ("\\", [2]), ("100%", [2]), ("e_t", [2]), ("e%t", []), ("mtn", [2]), ("UBERFALL", [3]),
        ("漢", [3]), ("字 と", [3]), ("ガ", [3]), ("カ", []), ("0044 7700 900456", [0]), ("+44 7700 900 456", [0]),
        ("(212) 555-0188", [1]), ("212-555-0188", [1]), ("+1 212 555 0188", [1]), ("2125550188", [1, 4]),
        ("nothing", []), ("'", [4]), ("''", []), ("\"", []), ("sure%", []), ("\\ O", [2]), ("\\\\", []),
        ("\u{301}", [0, 1, 2, 3, 4]), ("sure_thing \\ o\u{1}mtn", []),
    ]

    @Test(arguments: Engine.enabled) func messagesAreFoundAlike(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let user = UserID("user")
            let ids = try await Self.fill(store, user)

            try await Self.expectAll(store, user, ids, "folded")
            _ = try await store.write { tx in try tx.run("UPDATE message SET search_text = NULL") }
            try await Self.expectAll(store, user, ids, "not folded yet")
            _ = try await store.write { tx in
                try tx.run("UPDATE message_thread SET search_text = NULL")
                return try SearchFillQueries.step(in: tx)
            }
            try await Self.expectAll(store, user, ids, "folded later")
            let left: Int? = try await store.read { tx in
                try tx.value(
                    """
                    SELECT (SELECT COUNT(*) FROM message WHERE search_text IS NULL)
                        + (SELECT COUNT(*) FROM message_thread WHERE search_text IS NULL) AS value
                    """)
            }
            #expect(left == 0)
        }
    }

    /// 512 KiB at a time: two of these texts.
    @Test(arguments: Engine.enabled) func largeTextsAreFoldedFewAtATime(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            _ = try await Self.fill(store, UserID("user"))
            let text = String(repeating: "é", count: 100_000)
            _ = try await store.write { tx in
                try tx.run("UPDATE message SET search_text = NULL, content = \(text)")
            }

            var left: [Int] = []
            var mayHaveMore = true
            while mayHaveMore {
                mayHaveMore = try await store.write { tx in try SearchFillQueries.step(in: tx).mayHaveMore }
                left.append(
                    try await store.read { tx in
                        try tx.value("SELECT COUNT(*) AS value FROM message WHERE search_text IS NULL") ?? -1
                    })
            }

            #expect(left == [3, 1, 0])
        }
    }

    @Test(arguments: Engine.enabled) func conversationsAreFoundAlike(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let user = UserID("user")
            _ = try await Self.fill(store, user)
            let owner = "+18005550199"
            let all = Self.texts.map(\.contact)
            for pass in 1...2 {
                for row in Self.table {
                    let threads = try await store.read { tx in
                        try MessageThreadQueries.list(
                            userID: user, owner: owner, isArchived: false, page: Self.page(row.query), in: tx)
                    }
                    #expect(Set(threads.map(\.contact)) == Set(row.found.map { all[$0] }), "\(row.query) \(pass)")
                }
                let whole = try await store.read { tx in
                    try MessageThreadQueries.list(
                        userID: user, owner: owner, isArchived: false, page: Self.page("800-555"), in: tx)
                }
                #expect(whole.count == all.count)
                _ = try await store.write { tx in try tx.run("UPDATE message_thread SET search_text = NULL") }
            }
        }
    }

    @Test(arguments: Engine.enabled) func aConversationIsSearchedByItsContentOnly(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let user = UserID("user")
            _ = try await Self.fill(store, user)
            for isFolded in [true, false] {
                for (query, count) in [
                    ("arger", 1), ("CAFÉ", 1), ("2125550188", 0), ("reference", 0), ("", 1), ("afé", 1), ("+1212", 0),
                    ("%", 0), ("Ä_ger", 0),
                ] {
                    let found = try await store.read { tx in
                        try MessageQueries.list(
                            userID: user, owner: "+18005550199", contact: "+12125550188", page: Self.page(query), in: tx
                        )
                    }
                    #expect(found.count == count, "\(query) \(isFolded)")
                }
                _ = try await store.write { tx in try tx.run("UPDATE message SET search_text = NULL") }
            }
        }
    }

    @Test(arguments: Engine.enabled) func aReasonThatComesLaterIsFound(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let user = UserID("user")
            let id = try await Self.fill(store, user)[0]
            try await store.write { tx in
                let message = try #require(try MessageQueries.find(id, userID: user, in: tx))
                try MessageOperations.fail(message, because: "Kein Gerät", in: tx)
            }

            #expect(try await Self.found(store, user, "KEIN GERAT") == [id])
            #expect(try await Self.found(store, user, "привет") == [id])
        }
    }

    private static func expectAll(_ store: any Store, _ user: UserID, _ ids: [MessageID], _ pass: String) async throws {
        for row in table {
            #expect(try await found(store, user, row.query) == row.found.map { ids[$0] }, "\(row.query) \(pass)")
        }
        #expect(try await found(store, user, "REFERENCE-3") == [ids[3]])
        #expect(try await found(store, user, ids[2].text) == [ids[2]])
        #expect(try await found(store, UserID("other"), "привет") == [])
    }

    private static func found(_ store: any Store, _ user: UserID, _ query: String) async throws -> [MessageID] {
        try await store.read { tx in
            let search = MessageSearch(
                owners: ["+18005550199"], types: [], statuses: [], sortBy: .createdAt, isDescending: false,
                page: page(query))
            return try MessageQueries.find(search, userID: user, in: tx).map(\.id)
        }
    }

    private static func page(_ query: String) -> Page { Page(skip: 0, limit: 100, query: query) }

    /// Stores a message for each of ``texts``; gives their ids.
    private static func fill(_ store: any Store, _ user: UserID) async throws -> [MessageID] {
        try await store.write { tx in
            let phone = Phone(id: PhoneID(at: tx.now), userID: user, phoneNumber: "+18005550199", at: tx.now)
            return try texts.enumerated().map { number, text in
                let now = tx.now + .seconds(number)
                let message = Message(
                    outgoing: MessageID(at: now), from: phone, to: text.contact, content: text.content,
                    requestID: "Reference-\(number)", source: "/", at: now)
                try MessageQueries.insert(message, in: tx)
                return message.id
            }
        }
    }
}
