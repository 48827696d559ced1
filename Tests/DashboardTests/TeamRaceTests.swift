import Dispatch
import Storage
import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// Roles that change while something is under way.
@Suite(.timeLimit(.minutes(15))) struct TeamRaceTests {
    @Test func aFileIsNotSentForSomebodyWhoMaySendNoMore() async throws {
        try await withServer { server in
            let (owner, account, _) = try await server.signedInWithPhone()
            let kim = try await TeamTests.join("kim@example.com", as: .sender, owner, server)
            let file = Array((BulkFile.header + BulkFile.row).utf8)
            let preview = try await kim.upload(
                "/messages/bulk", on: "/messages/bulk", file: ("document", "numbers.csv", file))
            let hidden = preview.text.matches(
                of: /<input type="hidden" name="(once|name|type|document)" value="([^"]*)"/)
            let fields = hidden.map { (String($0.1), String($0.2)) }
            try #require(fields.count == 4)

            // The file waits for a transaction that takes the role away.
            let (isHeld, mayEnd) = (Flag(), DispatchSemaphore(value: 0))
            async let changed = server.store.write(.maintenance) { tx in
                isHeld.set()
                _ = mayEnd.wait(timeout: .now() + .seconds(30))
                return try tx.run("UPDATE team_member SET role = 'reader' WHERE email = 'kim@example.com'")
            }
            try await until("the change is under way") { isHeld.isSet }
            async let answer = kim.upload("/messages/bulk/send", on: "/messages/bulk", fields, file: nil)
            try await until("the file waits") { server.store.waitingWrites(.request) > 0 }
            mayEnd.signal()

            #expect(try await changed == 1)
            #expect(try await answer.status == 403)
            #expect(try await account.allMessages().isEmpty)
        }
    }
}
