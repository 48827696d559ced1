import Delivery
import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// A file of messages that is on its way: held, let go, cancelled, and what came of it.
@Suite(.timeLimit(.minutes(15))) struct BulkActionTests {
    private static let path = "/messages/bulk"

    /// Sends `count` messages out of a file, one of them tomorrow, and gives the page of the file.
    private static func send(
        _ count: Int, _ page: PageClient, _ account: Account, _ server: TestServer
    ) async throws -> (batch: String, id: String) {
        _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199", "messages_per_minute": 1])
        let later = String((server.clock.now() + .seconds(86_400)).rfc3339.prefix(19))
        let rows = (0..<count).map { "+18005550199,+1800555\(1_000 + $0),=SMS \($0),\($0 == 1 ? later : ""),\n" }
        let file = BulkFile.header + rows.joined()
        let preview = try await page.upload(
            path, on: path, file: ("document", "list.csv", Array(file.utf8)))
        let fields = preview.text.matches(of: /<input type="hidden" name="(once|name|type|document)" value="([^"]*)"/)
            .map { (String($0.1), String($0.2)) }
        let sent = try await page.upload("\(path)/send", on: path, fields, file: nil)
        let batch = try #require(sent.header("Location"))
        let uploads = try await account.client.get("/v1/bulk-messages").data
        return (batch, uploads[0]["request_id"].string)
    }

    private static func act(
        _ action: String, _ id: String, _ page: PageClient, on batch: String
    ) async throws -> String? {
        try await page.submit("\(path)/batch/\(action)", on: batch, [("request_id", id)]).header("Location")
    }

    @Test(arguments: Engine.enabled) func whatFailedOfAFileIsSentAgainOnce(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let (batch, id) = try await Self.send(3, page, account, server)
            server.clock.advance(by: .seconds(10))
            let first = try await account.allMessages()[0]["id"].string
            _ = try await server.message(first, of: account, is: "scheduled")
            #expect(try await !page.get(batch).text.contains("that failed again"))
            _ = try await phone.report("FAILED", first, ["reason": "no network"])
            #expect(try await page.get(batch).text.contains("Send the 1 that failed again"))

            let again = try #require(try await Self.act("again", id, page, on: batch))
            let text = try await page.get(again).text
            #expect(again != batch && text.contains("0 of 1 sent") && text.contains(">list.csv</h1>"))
            #expect(text.contains("It begins <time") && text.contains("=SMS 0"))
            // The second of two clicks finds nothing, and nothing is offered twice.
            #expect(try await Self.act("again", id, page, on: batch) == batch)
            #expect(try await !page.get(batch).text.contains("that failed again"))
            #expect(try await account.allMessages().filter { $0["content"] == "=SMS 0" }.count == 2)
            server.clock.advance(by: .seconds(70))
            let new = try await account.allMessages().first { $0["content"] == "=SMS 0" && $0["id"].string != first }
            _ = try await server.message(new?["id"].string ?? "", of: account, is: "scheduled")

            // A stranger's id is nothing.
            let stranger = try await server.signedIn(try await server.makeAccount())
            #expect(try await Self.act("again", id, stranger, on: Self.path) == batch)
            #expect(try await account.allMessages().count == 4)
        }
    }

    @Test(arguments: Engine.enabled) func aFileIsHeldAndGoesOn(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let (batch, id) = try await Self.send(4, page, account, server)
            let first = try await account.allMessages()[0]["id"].string
            #expect(try await page.get(batch).text.contains("It begins <time"))
            #expect(try await account.message(first)["status"] == "pending")
            server.clock.advance(by: .seconds(10))
            _ = try await server.message(first, of: account, is: "scheduled")

            #expect(try await Self.act("pause", id, page, on: batch)?.hasSuffix("notice=held") == true)
            let held = try await page.get(batch).text
            #expect(held.contains("It is paused: 3 SMS wait") && held.contains(">Resume</button>"))
            #expect(try await page.get(Self.path).text.contains("· paused"))
            #expect(try await page.get("/messages/planned").text.contains("Nothing planned"))
            let queued = try await server.store.read(.maintenance) { tx -> Int in
                try tx.value("SELECT COUNT(*) AS value FROM message WHERE planned_at IS NOT NULL OR turn IS NOT NULL")
                    ?? 0
            }
            #expect(queued == 0)
            // A single message passes.
            server.clock.advance(by: .seconds(60))
            let single = try await account.send(["to": "+18005550100", "content": "Now"])["id"].string
            _ = try await server.message(single, of: account, is: "scheduled")

            #expect(try await Self.act("resume", id, page, on: batch)?.hasSuffix("notice=released") == true)
            #expect(try await page.get(batch).text.contains(">Pause</button>"))
            #expect(try await page.get("/messages/planned").text.contains("=SMS 1"))
            server.clock.advance(by: .seconds(60))
            let third = try await account.allMessages().first { $0["content"] == "=SMS 2" }?["id"].string ?? ""
            _ = try await server.message(third, of: account, is: "scheduled")
            #expect(try await account.allMessages().first { $0["content"] == "=SMS 1" }?["status"] == "pending")
            // Twice is once.
            _ = try await Self.act("resume", id, page, on: batch)
            #expect(try await page.get(batch).text.contains("2 waiting"))

            let stranger = try await server.signedInWithPhone().page
            for action in ["pause", "resume", "cancel"] {
                #expect(try await Self.act(action, id, stranger, on: "/account") == nil)
            }
            #expect(try await page.get(batch).text.contains("2 waiting"))
            #expect(try await stranger.get("\(Self.path)/results.csv?request_id=\(id)").status == 404)
        }
    }

    @Test(arguments: Engine.enabled) func whatWaitsOfAFileIsCancelledAndCounted(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let (batch, id) = try await Self.send(450, page, account, server)
            let first = try await account.client.get("/v1/messages/search?query=SMS%200").data[0]["id"].string
            server.clock.advance(by: .seconds(10))
            _ = try await server.message(first, of: account, is: "scheduled")
            _ = try await phone.report("FAILED", first, ["reason": "GENERIC_FAILURE"])

            _ = try await Self.act("pause", id, page, on: batch)
            #expect(try await Self.act("cancel", id, page, on: batch)?.hasSuffix("notice=stopped") == true)
            let text = try await page.get(batch).text
            #expect(text.contains("0 of 450 sent") && text.contains("449 cancelled") && text.contains("1 failed"))
            #expect(!text.contains("that wait</button>"))
            #expect(try await page.get("/messages/planned").text.contains("Nothing planned"))
            let results = try await page.get("\(Self.path)/results.csv?request_id=\(id)").text
            #expect(results.split(separator: "\r\n").count == 2)
            #expect(
                results.contains(
                    "\"+18005551000\",\"+18005550199\",\"failed\",\"GENERIC_FAILURE\",\"\",\"\",\"'=SMS 0\""))
            #expect(try await account.client.get("/v1/bulk-messages").data[0]["failed_count"] == 1)
            // Nothing is left to do.
            _ = try await Self.act("cancel", id, page, on: batch)
            #expect(try await page.get(batch).text.contains("449 cancelled"))
        }
    }

    @Test(arguments: Engine.enabled) func aFileIsTakenBackBeforeItBegins(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let (batch, id) = try await Self.send(3, page, account, server)
            #expect(try await page.get(batch).text.contains(">Undo</button>"))

            server.clock.advance(by: .seconds(9))
            _ = try await Self.act("cancel", id, page, on: batch)
            server.clock.advance(by: .seconds(60))

            #expect(try await account.allMessages().isEmpty)
            let text = try await page.get(batch).text
            #expect(text.contains("0 of 3 sent") && text.contains("3 cancelled") && text.contains("None is left"))
            #expect(!text.contains("None of this status"))
            #expect(try await page.get("/messages").text.contains("No conversation yet"))
        }
    }

    /// A file that is paused within its ten seconds stays paused, and one that nobody touches begins, also when the clock was
    /// set back meanwhile.
    @Test func aPausedFileDoesNotBeginByItself() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            let (batch, id) = try await Self.send(3, page, account, server)
            _ = try await Self.act("pause", id, page, on: batch)
            server.clock.advance(by: .seconds(20))
            let outcome = try await server.store.write(.maintenance) { tx in try BulkMessageOperations.start(in: tx) }
            #expect(outcome.nextDue == nil && !outcome.mayHaveMore)
            #expect(try await page.get(batch).text.contains("It is paused: 3 SMS wait"))
            try await server.store.write(.maintenance) { tx in
                _ = try tx.run("UPDATE bulk_message SET starts_at = \(tx.now + .seconds(3_600))")
            }
            _ = try await server.store.write(.maintenance) { tx in try BulkMessageOperations.start(in: tx) }
            #expect(try await !page.get(batch).text.contains("It is paused"))
        }
    }

    @Test func theSameFileIsRecognisedAndTheEndIsEstimated() async throws {
        try await withServer { server in
            let (page, account, _) = try await server.signedInWithPhone()
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199", "messages_per_minute": 1])
            func preview(_ rows: String, _ name: String) async throws -> String {
                let bytes = Array((BulkFile.header + rows).utf8)
                return try await page.upload(Self.path, on: Self.path, file: ("document", name, bytes)).text
            }
            let rows = (0..<3).map { "+18005550199,+1800555\(1_000 + $0),Hi,,\n" }.joined()
            let first = try await preview(rows, "a.csv")
            #expect(first.contains("The last one would go out <time") && first.contains(">in 2 min</time>"))
            #expect(!first.contains("were sent before"))
            let fields = first.matches(of: /<input type="hidden" name="(once|name|type|document)" value="([^"]*)"/)
                .map { (String($0.1), String($0.2)) }
            let batch = try #require(
                try await page.upload("\(Self.path)/send", on: Self.path, fields, file: nil).header("Location"))
            // While it can be taken back, nothing has a time.
            server.clock.advance(by: .seconds(11))
            _ = try await server.store.write(.maintenance) { tx in try BulkMessageOperations.start(in: tx) }
            #expect(try await page.get(batch).text.contains("<dt>The last one goes out</dt>"))

            // However it is called and saved.
            let again = try await preview(rows.replacing("\n", with: "\r\n"), "b.csv")
            #expect(again.contains("were sent before: <a href=\"\(batch)\">"))
            #expect(try await !preview(rows.replacing("Hi", with: "Ho"), "a.csv").contains("were sent before"))
        }
    }
}
