import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// The history of one real server, read through its API into another.
@Suite(.timeLimit(.minutes(15))) struct ImportFromServerTests {
    private static let contact = "+18005550100"

    /// A conversation in both directions, an archived one with a missed call and a file, and one that is only planned.
    private static func fill(_ account: Account, at now: Timestamp) async throws {
        let phone = try await account.makePhone()
        for minute in 1...3 {
            _ = try await phone.receive([
                "from": .string(contact), "content": "Grüße \(minute)", "timestamp": "2026-07-22T10:0\(minute):00Z",
            ])
        }
        let id = try await account.send(["content": "Out", "request_id": "mine"])["id"].string
        _ = try await phone.fetch(id)
        let time = JSON.string(now.rfc3339)
        _ = try await phone.report("SENT", id, ["timestamp": time])
        _ = try await phone.report("DELIVERED", id, ["timestamp": time])
        _ = try await phone.receive([
            "from": "MTN", "content": "A file", "timestamp": "2026-07-22T11:00:00Z",
            "attachments": [["name": "a.jpg", "content_type": "image/jpeg", "content": "AAAA"]],
        ])
        _ = try await phone.client.post(
            "/v1/messages/calls/missed",
            ["to": "+18005550199", "from": "MTN", "timestamp": "2026-07-22T12:00:00Z"])
        let threads = try await account.conversations()
        for thread in threads where thread["contact"] == "MTN" {
            _ = try await account.client.put(
                "/v1/message-threads/\(thread["id"].string)", ["is_archived": true, "is_read": true])
        }
        _ = try await account.send([
            "to": "+18005550101", "content": "Later", "send_at": .string((now + .seconds(86_400)).rfc3339),
        ])
    }

    @Test(arguments: Engine.enabled) func allOfItIsThereOnceAndNobodyIsTold(engine: Engine) async throws {
        try await withServer { old in
            let account = try await old.makeAccount()
            try await Self.fill(account, at: old.clock.now())
            let (open, archived) = (
                try await account.conversations().filter { $0["contact"] == .string(Self.contact) },
                try await account.conversations(isArchived: true)
            )
            let (sent, calls) = (
                try await account.history(with: Self.contact), try await account.history(with: "MTN")
            )
            #expect(sent.count == 4)
            #expect(calls.count == 2)

            try await withServer(on: engine) { new in
                let target = try await new.makeAccount()
                let source = OldServer.at(old.baseURL, key: account.apiKey)

                let planned = try await importHistory(from: source, into: target, of: new, for: .dryRun)
                #expect(planned.count(.new) == 6)
                let untouched = try await target.history(with: Self.contact)
                #expect(untouched == [])

                for run in 1...2 {
                    let summary = try await importHistory(from: source, into: target, of: new)

                    #expect(summary.count(.new) == (run == 1 ? 6 : 0))
                    #expect(summary.count(.known) == (run == 1 ? 0 : 6))
                    #expect(summary.count(.waits) == 1)
                    #expect(summary.isComplete(.bring))
                    let (ours, ourCalls) = (
                        try await target.history(with: Self.contact), try await target.history(with: "MTN")
                    )
                    #expect(ours == sent)
                    #expect(ourCalls == calls)
                    let (ourOpen, ourArchived) = (
                        try await target.conversations(), try await target.conversations(isArchived: true)
                    )
                    #expect(ourOpen == open)
                    #expect(ourArchived == archived)
                }

                let found = try await target.client.get("/v1/messages/search?query=GRUSSE")
                #expect(found.data.array.count == 3)
                let events = try await new.emittedTypes()
                #expect(events == [])
                let check = try await importHistory(from: source, into: target, of: new, for: .check)
                #expect(check.isComplete(.check))
                #expect(check.lines(.check).last == "Nothing is missing.")
            }
        }
    }

    /// A source that ends in the middle, as a network does.
    private struct Interrupted: OldHistory {
        let whole: OldServer
        let pages: Int

        func read(problem: (String) -> Void, _ take: (OldPage) async throws -> Void) async throws {
            var left = pages
            try await whole.read(problem: problem) { page in
                guard left > 0 else { throw ImportError(.unreachable, "gone") }
                left -= 1
                try await take(page)
            }
        }
    }

    @Test(arguments: Engine.enabled) func anInterruptedImportIsRepeated(engine: Engine) async throws {
        try await withServer { old in
            let account = try await old.makeAccount()
            try await Self.fill(account, at: old.clock.now())
            let whole = OldServer.at(old.baseURL, key: account.apiKey)
            try await withServer(on: engine) { new in
                let target = try await new.makeAccount()
                await #expect(throws: ImportError.self) {
                    _ = try await importHistory(from: Interrupted(whole: whole, pages: 1), into: target, of: new)
                }
                let missing = try await importHistory(from: whole, into: target, of: new, for: .check)
                #expect(!missing.isComplete(.check))
                #expect(missing.lines(.check).contains { $0.contains(" missing: ") })

                let rest = try await importHistory(from: whole, into: target, of: new)

                #expect(rest.count(.known) == missing.count(.known))
                #expect(rest.count(.new) == missing.count(.new))
                let messages = try await target.history(with: Self.contact)
                #expect(messages.count == 4)
            }
        }
    }

    @Test(arguments: Engine.enabled) func whatGotFurtherIsBroughtUpToDateAndWhatWasDeletedStaysDeleted(
        engine: Engine
    ) async throws {
        try await withServer { old in
            let account = try await old.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string
            _ = try await phone.fetch(id)
            _ = try await phone.report("SENT", id)
            let gone = try await phone.receive(["from": "MTN", "content": "Gone", "timestamp": "2026-07-22T11:00:00Z"])
            let goneID = gone.data["id"].string
            let source = OldServer.at(old.baseURL, key: account.apiKey)
            try await withServer(on: engine) { new in
                let target = try await new.makeAccount()
                _ = try await importHistory(from: source, into: target, of: new)
                _ = try await target.client.delete("/v1/messages/\(goneID)")
                _ = try await phone.report("DELIVERED", id)

                let summary = try await importHistory(from: source, into: target, of: new)

                #expect(summary.count(.changed) == 1)
                #expect(summary.count(.deleted) == 1)
                let message = try await target.message(id)
                #expect(message["status"] == "delivered")
                let threads = try await target.conversations()
                #expect(threads.map { $0["status"] } == ["delivered"])
                let events = try await new.emittedTypes()
                #expect(events == [])
            }
        }
    }

    /// Another account has the same history, and so has the ids.
    @Test(arguments: Engine.enabled) func idsThatAreTakenAreReplacedByOnesThatStay(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await phone.receive([
                "from": .string(Self.contact), "content": "Hello", "timestamp": "2026-07-22T10:00:00Z",
            ])
            let other = try await server.makeAccount()
            let source = OldServer.at(server.baseURL, key: account.apiKey)

            let first = try await importHistory(from: source, into: other, of: server)
            let second = try await importHistory(from: source, into: other, of: server)
            let own = try await importHistory(from: source, into: account, of: server)

            #expect(first.count(.new) == 1)
            #expect(second.count(.known) == 1)
            #expect(own.count(.known) == 1)
            let (theirs, copies) = (
                try await account.history(with: Self.contact), try await other.history(with: Self.contact)
            )
            #expect(copies.count == 1)
            #expect(copies[0]["id"] != theirs[0]["id"])
            #expect(copies[0]["content"] == "Hello")
        }
    }
}
