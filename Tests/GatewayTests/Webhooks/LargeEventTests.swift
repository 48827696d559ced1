import Delivery
import NIOCore
import NIOPosix
import Storage
import TestSupport
import Testing

@testable import Gateway

/// Events of 768 KiB: pages of the log end by bytes, and nobody gets fewer of them.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct LargeEventTests {
    /// As long as a phone may report; in JSON each of these takes six bytes.
    private static let text = String(repeating: "<", count: (128 << 10) - 8)

    private static func receive(_ count: Int, _ account: Account, on phone: Account.Phone) async throws {
        for number in 0..<count { try await account.receive("\(number)" + text, on: phone) }
    }

    @Test(arguments: Engine.enabled, [true, false])
    func aListOfThemIsReadToItsEndByCursors(engine: Engine, goesUp: Bool) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            try await Self.receive(5, account, on: account.makePhone())
            var (found, parts, cursor) = ("", 0, "")
            repeat {
                let answer = try await account.client.get(
                    "/v1/events?limit=100&\(goesUp ? "after=0&" : "")cursor=\(cursor)")
                try #require(answer.status == 200)
                for event in answer.data.array { found += event["event"]["data"]["content"].string.prefix(1) }
                parts += 1
                cursor = answer.json["next_cursor"].string
            } while !cursor.isEmpty && parts < 20

            #expect(found == (goesUp ? "01234" : "43210"))
            #expect(parts == 5, "two are more than a page has")
        }
    }

    @Test func aStreamSendsThemInOrderEachOnce() async throws {
        try await withWebhookServer { _, account, phone, _ in
            try await Self.receive(3, account, on: phone)
            try await account.receive("3", on: phone)

            try await EventStreamClient.run(account.client, lastEventID: "0") { stream, _ in
                try await until("all of them") { stream.text.utf8.count > 3 * 6 * Self.text.utf8.count }
                let events = try await stream.events(4)
                #expect(events.map { $0.content.prefix(1) } == ["0", "1", "2", "3"])
            }
        }
    }

    /// What a client has not read holds one page, and the next is not read before it is gone.
    @Test(arguments: Engine.enabled) func aStreamTakesWhatItHasReadAndNotSent(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            try await Self.receive(3, account, on: phone)
            for number in 3..<8 { try await account.receive("\(number)", on: phone) }
            try await server.untilNumbered()
            let (memory, stream) = (AnswerMemory(limit: 32 << 20), Self.stream(server))

            var (ids, pages, cursor, isOver) = ([Int64](), 0, Int64(0), false)
            while !isOver && pages < 20 {
                let found = try await stream.page(
                    of: UserID(account.id), after: cursor, EventLog.Filter(), .entries, Self.room(memory))
                let page = try #require(found)
                #expect(page.share != nil && (1...EventLog.pageBytes).contains(memory.inUse))
                var frames = page.frames
                while let bytes = frames.next() {
                    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                    ids += lines.filter { $0.hasPrefix("id: ") }.compactMap { Int64($0.dropFirst(4)) }
                }
                (pages, cursor, isOver) = (pages + 1, page.cursor, !page.mayHaveMore)
            }

            #expect(ids.count == 8 && Set(ids).count == 8 && ids == ids.sorted())
            #expect(pages == 3, "the small ones come with the last of the large ones")
            #expect(memory.inUse == 0)
        }
    }

    @Test func aStreamThatFindsNoRoomReadsNothingAndAsksAgain() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            try await Self.receive(1, account, on: account.makePhone())
            let (memory, stream) = (AnswerMemory(limit: 1 << 20), Self.stream(server))
            func page() async throws -> EventStream.Page? {
                try await stream.page(
                    of: UserID(account.id), after: 0, EventLog.Filter(), .entries, Self.room(memory))
            }
            var others: AnswerMemory.Share? = try memory.share(1 << 20, for: "others")

            let none = try await page()
            #expect(none == nil && others != nil)
            others = nil
            let some = try await page()
            #expect(some != nil)
        }
    }

    private static func stream(_ server: TestServer) -> EventStream {
        EventStream(store: server.store, identities: Identities(store: server.store))
    }

    private static func room(_ memory: AnswerMemory) -> AnswerRoom {
        AnswerRoom(
            memory, for: "reader", turns: UploadQueue(threads: 1), loop: MultiThreadedEventLoopGroup.singleton.any())
    }
}
