import AsyncHTTPClient
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// What large answers take of memory while clients read them.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AnswerMemoryTests {
    /// A client that does not read holds what it asked for, until it leaves.
    @Test func anAnswerCountsUntilItIsRead() async throws {
        try await withServer(["REQUEST_BODY_MEMORY": "32"]) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let text = String(repeating: "x", count: 128 << 10)
            for number in 0..<72 {
                _ = try await phone.receive(["from": "+18005550100", "content": .string("\(number)" + text)])
            }
            let path = "/v1/messages/search?limit=100"
            #expect(try await account.client.get(path).status == 200)

            var request = HTTPClientRequest(url: server.baseURL + path)
            request.headers.add(name: "x-api-key", value: account.apiKey)
            let unread = try await HTTPClient.shared.execute(request, deadline: .now() + .seconds(60))
            #expect(unread.status == .ok)
            // 9 MiB and 9 MiB are more than half of 32.
            let busy = try await account.client.get(path)
            #expect(busy.status == 503 && busy.header("Retry-After") != nil)
            #expect(try await account.client.get("/v1/messages/search?limit=1").status == 200)

            var count = 0
            for try await piece in unread.body { count += piece.readableBytes }
            #expect(count > 9 << 20)
            _ = try await eventually("room for another") {
                try await account.client.get(path).status == 200 ? true : nil
            }
        }
    }

    @Test func whatIsTakenIsGivenBackWithTheLastWhoHasIt() throws {
        let memory = AnswerMemory(limit: 1_000)
        do {
            let first = try memory.share(400, for: "a")
            let same = first
            #expect(memory.inUse == 400)
            withExtendedLifetime((first, same)) {}
        }
        #expect(memory.inUse == 0)
    }

    @Test func oneClientHasHalfAndAllTogetherHaveTheLimit() throws {
        let memory = AnswerMemory(limit: 1_000)
        var shares = [try memory.share(300, for: "a")]

        #expect(throws: ServerBusy.self) { try memory.share(300, for: "a") }
        shares.append(try memory.share(200, for: "a"))
        shares.append(try memory.share(400, for: "b"))
        #expect(throws: ServerBusy.self) { try memory.share(101, for: "c") }
        shares.append(try memory.share(100, for: "c"))
        #expect(memory.inUse == 1_000)

        shares.removeFirst()
        #expect(try memory.share(300, for: "a") as AnyObject !== shares[0])
        shares = []
        #expect(memory.inUse == 0)
    }

    /// A list that is larger than the limit can be read, by one client at a time.
    @Test func oneThatIsLargerPassesAlone() throws {
        let memory = AnswerMemory(limit: 1_000)
        var large: AnswerMemory.Share? = try memory.share(5_000, for: "a")

        #expect(throws: ServerBusy.self) { try memory.share(1, for: "b") }
        #expect(large != nil)
        large = nil
        #expect(memory.inUse == 0)
    }

    /// Says when it is written.
    private struct Watched: JSONWritable {
        let written: Flag

        func write(to json: inout JSONWriter) {
            written.set()
            json.null()
        }
    }

    @Test func whatFindsNoRoomIsNotWritten() async throws {
        let (memory, written) = (AnswerMemory(limit: 1_000), Flag())
        let room = AnswerRoom(
            memory, for: "a", turns: UploadQueue(threads: 1), loop: MultiThreadedEventLoopGroup.singleton.any())
        var others: AnswerMemory.Share? = try memory.share(1_000, for: "b")
        func answer() async throws {
            _ = try await room.answer(Reply("done", Watched(written: written)), of: 100, userID: UserID("user"))
        }

        await #expect(throws: ServerBusy.self) { try await answer() }
        #expect(!written.isSet && others != nil)
        others = nil
        try await answer()
        #expect(written.isSet && memory.inUse == 100)
        // What was estimated is enough, or the rest is counted as well.
        #expect(try room.shares(80).count == 1 && memory.inUse == 100)
        let shares = try room.shares(150)
        #expect(shares.count == 2 && memory.inUse == 150)
        withExtendedLifetime(shares) {}
    }

    @Test(arguments: ["", "text", "\"\\\n\u{1}", "<&>", "\u{2028}\u{2029}", "“ä€😀”"])
    func aTextTakesNoMoreThanWhatIsTakenForIt(_ text: String) {
        let written = text.encodedJSON().count

        #expect(written <= text.longestJSON && text.longestJSON <= max(2, 8 * text.utf8.count))
    }

    /// Keeps how much it is given at a time.
    private struct Sizes: ResponseBodyWriter, Sendable {
        final class Kept: Sendable {
            let all = Mutex<[Int]>([])
        }

        let kept = Kept()

        @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
            kept.all.withLock { $0.append(buffer.readableBytes) }
        }

        @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    @Test func whatIsLargeIsWrittenInPieces() async throws {
        var writer = Sizes()

        try await writer.write(inPieces: ByteBuffer(repeating: 1, count: 150_000), on: nil)

        #expect(writer.kept.all.withLock { $0 } == [65_536, 65_536, 18_928])
    }
}
