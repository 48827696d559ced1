import Delivery
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Conversations and accounts that are too large for one transaction to delete.
@Suite(.timeLimit(.minutes(15))) struct ThreadErasureTests {
    private static let userID = UserID("user")
    private static let owner = "+18005550199"
    private static let contact = "+18005550100"
    /// 200 KB with its folded text, of which ten go in a transaction of 2 MiB.
    private static let content = String(repeating: "large ", count: 16_666)
    private static let parts = [10, 10, 5]

    @Test(arguments: Engine.enabled) func aLargeThreadIsGoneAtOnceAndRemovedInParts(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let ids = try await Self.fill(store)
            let id = try #require(try await Self.threads(store).first).id

            var left = [25]
            let isDeleted = try await store.write { try ThreadErasureQueries.begin(id, userID: Self.userID, in: $0) }
            let isDeletedAgain = try await store.write {
                try ThreadErasureQueries.begin(id, userID: Self.userID, in: $0)
            }

            #expect(isDeleted && !isDeletedAgain)
            #expect(try await Self.threads(store).isEmpty)
            #expect(try await Self.seen(store, ids).isEmpty)
            left.append(try await Self.count("message", store))
            while try await store.write({ try ThreadErasureQueries.step(in: $0).mayHaveMore }) {
                left.append(try await Self.count("message", store))
            }

            #expect(zip(left, left.dropFirst()).map { $0 - $1 } == Self.parts)
            #expect(try await Self.count("thread_erasure", store) == 0)
            #expect(try await Self.threads(store).isEmpty)
        }
    }

    @Test(arguments: Engine.enabled) func whatComesMeanwhileBeginsANewThread(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let ids = try await Self.fill(store)
            let old = try #require(try await Self.threads(store).first)
            _ = try await store.write { try ThreadErasureQueries.begin(old.id, userID: Self.userID, in: $0) }

            let new = try await store.write { try Self.insert("new", at: $0.now, in: $0) }

            for _ in 0..<2 {
                let threads = try await Self.threads(store)
                #expect(threads.map(\.lastMessageID) == [new])
                #expect(threads.first?.id != old.id)
                #expect(try await Self.seen(store, ids + [new]) == [new])
                while try await store.write({ try ThreadErasureQueries.step(in: $0).mayHaveMore }) {}
            }
            #expect(try await Self.count("message", store) == 1)
        }
    }

    /// Another node's clock is behind, or this one's was set back.
    @Test(arguments: Engine.enabled) func aNewMessageWithALowerIDStays(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let ids = try await Self.fill(store)
            let old = try #require(try await Self.threads(store).first)
            _ = try await store.write { try ThreadErasureQueries.begin(old.id, userID: Self.userID, in: $0) }

            let new = try await store.write { try Self.insert("new", at: $0.now - .seconds(3_600), in: $0) }

            #expect(ids.allSatisfy { new < $0 })
            #expect(try await Self.seen(store, ids + [new]) == [new])
            #expect(try await Self.count("message", store) == 1)
            #expect(try await Self.count("thread_erasure", store) == 0)
            #expect(try await Self.threads(store).map(\.lastMessageID) == [new])
        }
    }

    @Test(arguments: Engine.enabled) func aMessageThatMovesMeanwhileBringsNothingBack(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            let ids = try await Self.fill(store)
            let old = try #require(try await Self.threads(store).first)
            _ = try await store.write { try ThreadErasureQueries.begin(old.id, userID: Self.userID, in: $0) }

            try await store.write { tx in
                let message = try #require(
                    try tx.first(Message.self, "SELECT * FROM message WHERE id = \(ids[0])"))
                try MessageOperations.fail(message, because: "No service", in: tx)
            }
            while try await store.write({ try ThreadErasureQueries.step(in: $0).mayHaveMore }) {}

            #expect(try await Self.count("message", store) == 0)
            #expect(try await Self.threads(store).isEmpty)
        }
    }

    @Test(arguments: Engine.enabled) func anAccountIsErasedInParts(engine: Engine) async throws {
        try await withStore(engine, migrations: GatewayStore.migrations) { store in
            _ = try await Self.fill(store)
            let endpoints = EndpointQueries(keyring: try Keyring(masterKey: [UInt8](repeating: 7, count: 32)))
            var left = [25]

            while try await store.write({ tx in
                try UserErasureQueries.erase(Self.userID, endpoints: endpoints, in: tx) == .erased
            }) {
                let count = try await Self.count("message", store)
                if count < left[left.count - 1] { left.append(count) }
            }

            #expect(zip(left, left.dropFirst()).map { $0 - $1 } == Self.parts)
            for table in ["message", "message_thread", "message_unindexed"] {
                #expect(try await Self.count(SQL(stringLiteral: table), store) == 0, "\(table)")
            }
        }
    }

    @Test(arguments: Engine.enabled) func theServerRemovesTheRest(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            for number in 0..<15 {
                let answer = try await phone.receive([
                    "from": .string(Self.contact), "content": .string("\(number) \(Self.content)"),
                ])
                #expect(answer.status == 200)
            }
            let kept = try await phone.receive(["from": "+18005550101", "content": "kept large"]).data["id"].string
            let list = "/v1/message-threads?owner=%2B18005550199"
            let threads = try await account.client.get(list).data.array
            let thread = try #require(threads.first { $0["contact"].string == Self.contact })
            let path = "/v1/message-threads/\(thread["id"].string)"
            let events = try await server.emittedTypes().count

            #expect(try await account.client.delete(path).status == 204)

            #expect(try await account.client.get(list).data.array.map { $0["contact"] } == ["+18005550101"])
            let found = try await account.client.get("/v1/messages/search?query=large")
            #expect(found.data.array.map { $0["id"].string } == [kept])
            #expect(try await account.client.delete(path).status == 404)
            try await until("the rest is removed") { try await Self.count("message", server.store) == 1 }
            #expect(try await server.emittedTypes().count == events)
        }
    }

    /// Stores 25 messages of one conversation; gives their ids.
    private static func fill(_ store: any Store) async throws -> [MessageID] {
        var ids: [MessageID] = []
        for _ in 0..<25 { ids.append(try await store.write { try insert(content, at: $0.now, in: $0) }) }
        return ids
    }

    private static func insert(_ content: String, at time: Timestamp, in tx: any Transaction) throws -> MessageID {
        let phone = Phone(id: PhoneID(at: tx.now), userID: userID, phoneNumber: owner, at: tx.now)
        let message = Message(
            outgoing: MessageID(at: time), from: phone, to: contact, content: content, requestID: nil, source: "/",
            at: tx.now)
        try MessageQueries.insert(message, in: tx)
        return message.id
    }

    private static func threads(_ store: any Store) async throws -> [MessageThread] {
        try await store.read { tx in
            try MessageThreadQueries.list(userID: userID, owner: owner, isArchived: false, page: page(""), in: tx)
        }
    }

    /// Those of `ids` that any of the ways to messages leads to.
    private static func seen(_ store: any Store, _ ids: [MessageID]) async throws -> Set<MessageID> {
        try await store.write { tx in
            var seen: [MessageID] = []
            for query in ["", "large", "lar"] {
                let search = MessageSearch(
                    owners: [owner], types: [], statuses: [], sortBy: .createdAt, isDescending: false,
                    page: page(query))
                seen += try MessageQueries.find(search, userID: userID, in: tx).map(\.id)
            }
            seen += try MessageQueries.list(
                userID: userID, owner: owner, contact: contact, page: page(""), in: tx
            ).map(\.id)
            seen += try MessageQueries.all(ids, of: userID, in: tx).map(\.id)
            for id in ids {
                seen += try [MessageQueries.find(id, userID: userID, in: tx)].compactMap { $0?.id }
                seen += try [MessageQueries.fetch(id, userID: userID, numbers: nil, in: tx)].compactMap { $0?.id }
            }
            return Set(seen)
        }
    }

    private static func page(_ query: String) -> Page { Page(skip: 0, limit: 100, query: query) }

    private static func count(_ table: SQL, _ store: any Store) async throws -> Int {
        let count: Int? = try await store.read { tx in try tx.value("SELECT COUNT(*) AS value FROM \(table)") }
        return count ?? 0
    }
}
