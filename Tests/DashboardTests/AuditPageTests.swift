import Storage
import TestSupport
import Testing

@testable import Gateway

/// The page of the log of changes.
@Suite(.timeLimit(.minutes(15))) struct AuditPageTests {
    @Test func whatSomebodyDoesInABrowserIsShownAndExported() async throws {
        try await withServer { server in
            let account = try await server.makeAccount(email: "owner@example.com")
            let page = try await server.signedIn(account)
            let contact = try await page.submit(
                "/contacts/new", on: "/contacts/new", [("name", "=Ann"), ("numbers", "+18005550100")])
            #expect(contact.status == 303)
            #expect(try await page.submit("/contacts/new", on: "/contacts/new", [("numbers", "x")]).status == 422)
            // A preview saves nothing.
            let preview = try await page.submit(
                "/settings/webhooks/new", on: "/settings/webhooks/new",
                [("url", "https://example.com/hook"), ("preview", "yes")])
            #expect(preview.status == 200)
            #expect(
                try await page.submit("/account/timezone", on: "/account", [("timezone", "Asia/Tokyo")]).status == 303)
            #expect(try await page.submit("/account/api-key", on: "/account", [("current", "wrong one")]).status == 422)
            #expect(
                try await page.submit("/account/api-key", on: "/account", [("current", "correct horse")]).status == 200)

            let shown = try await page.get("/account/log").text
            let file = try await page.get("/account/log.csv").text
            let entries = try await account.client.get("/v1/audit-log").data.array

            #expect(
                entries.map { $0["action"].string } == [
                    "api_key.shown", "timezone.updated", "contact.created", "session.started",
                ])
            #expect(entries.allSatisfy { $0["actor"] == "session" && $0["address"] == "127.0.0.1" })
            for words in [
                "had the account&#39;s API key shown", "changed the time zone", "added a contact", "signed in",
            ] {
                #expect(shown.contains(words) || shown.contains(words.replacing("&#39;", with: "'")), "\(words)")
            }
            #expect(file.split(separator: "\r\n").count == 5)
            #expect(shown.contains("<strong>owner@example.com, "))
            #expect(file.contains("Time (Asia/Tokyo)") && file.contains("\"added a contact\""))

            _ = try await page.submit("/sign-out", on: "/account", [])
            #expect(
                try await account.client.get("/v1/audit-log?limit=1").data.array.first?["action"] == "session.ended")
            #expect(try await page.get("/account/log").status == 303)
        }
    }

    @Test func manyEntriesArePagedAndTheFileHasAllOfThem() async throws {
        try await withServer { server in
            let account = try await server.makeAccount(email: "owner@example.com")
            let page = try await server.signedIn(account)
            try await server.store.write { tx in
                for number in 0..<1_200 {
                    try AuditLog.add(
                        .keyRotated, of: "number \(number)", by: .serverOperator, from: nil, userID: UserID(account.id),
                        in: tx)
                }
            }

            let first = try await page.get("/account/log").text
            let file = try await page.get("/account/log.csv").text

            let next = try #require(first.firstMatch(of: /\/account\/log\?before=[0-9a-f-]+/)).output
            let second = try await page.get(String(next)).text
            let pages = [first, second].map { $0.matches(of: /number [0-9]+/).map { String($0.output) } }
            #expect(pages.map(\.count) == [50, 50] && Set(pages.joined()).count == 100)
            #expect(file.split(separator: "\r\n").count == 1_202)
        }
    }

    /// Who looks for whoever stopped a file comes to the file.
    @Test func anEntryOfABulkFileLeadsToTheFile() async throws {
        try await withServer { server in
            let account = try await server.makeAccount(email: "owner@example.com")
            let page = try await server.signedIn(account)
            try await server.store.write { tx in
                try AuditLog.add(
                    AuditAction(rawValue: "batch.paused"), of: "bulk1", by: .serverOperator, from: nil,
                    userID: UserID(account.id), in: tx)
            }
            let log = try await page.get("/account/log").text
            #expect(log.contains("/messages/bulk/batch?request_id"))
        }
    }
}
