import Secrets
import Server
import Storage
import TestSupport
import Testing

@testable import Gateway

/// What members asked for ends with their right to ask.
@Suite(.timeLimit(.minutes(15))) struct TeamInvitationTests {
    @Test(arguments: Engine.enabled, ["reader", "sender", "removed"])
    func whomAMemberAskedInDoesNotComeOnceTheyMayAskNobody(engine: Engine, becomes: String) async throws {
        try await withServer(on: engine) { server in
            let (owner, account) = try await server.signedIn()
            let kim = try await TeamTests.join("kim@example.com", as: .owner, owner, server)
            let asked = try await TeamTests.link(
                TeamTests.ask("second@example.com", as: .owner, kim, password: TeamTests.password))
            let own = try await TeamTests.link(TeamTests.ask("lee@example.com", as: .sender, owner))
            let list = try await owner.get("/account/team").text
            #expect(list.contains("Invited by kim@example.com.") && list.contains("Invited by \(account.email)."))

            let path = try await TeamTests.path("kim@example.com", owner)
            let change: APIClient.Answer
            if becomes == "removed" {
                change = try await owner.submit(path + "/remove", on: "/account/team", [])
            } else {
                change = try await owner.submit(
                    path + "/role", on: "/account/team", [("role", becomes), ("current", TestServer.password)])
            }

            #expect(change.status == 303)
            #expect(try await owner.get("/account/team").text.contains("second@example.com") == false)
            #expect(try await TeamTests.follow(asked, server).answer.status == 422)
            #expect(try await TeamTests.follow(own, server).answer.status == 303)
        }
    }

    /// A version before did not note who asked, and nodes of it may run beside.
    @Test func anInvitationOfAVersionBeforeIsShownAndWorks() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page
            let link = try await TeamTests.link(TeamTests.ask("lee@example.com", as: .sender, owner))
            try await server.store.write { tx in _ = try tx.run("UPDATE team_invitation SET invited_by = NULL") }

            let list = try await owner.get("/account/team").text

            #expect(list.contains("lee@example.com") && !list.contains("Invited by"))
            #expect(try await TeamTests.follow(link, server).answer.status == 303)
        }
    }

    /// The password is checked before the transaction, which takes a while.
    @Test(arguments: ["reader", "removed"])
    func aRequestDoesNotOutliveTheRoleOfWhoeverMadeIt(becomes: String) async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page
            let kim = try await TeamTests.join("kim@example.com", as: .owner, owner, server)
            _ = try await TeamTests.join("lee@example.com", as: .reader, owner, server)
            _ = try await TeamTests.ask("max@example.com", as: .reader, owner)
            let tokenHash = SHA256Digest.bytes(try #require(kim.cookies["httpsms"]))
            let found = try await server.store.read { tx in try SessionQueries.find(tokenHash: tokenHash, in: tx) }
            let session = try #require(found)
            let lee = try await server.store.read { tx in try TeamQueries.find(email: "lee@example.com", in: tx) }
            let leeID = try #require(lee).id
            let id = session.person.id

            // As if the password had been right the moment before.
            try await server.store.write { tx in
                if becomes == "removed" {
                    let hash = try #require(try AccessQueries.passwordHash(of: id, in: tx))
                    _ = try TeamQueries.delete(id, account: session.userID, in: tx)
                    _ = try AccessQueries.insertPassword(hash, of: id, in: tx)
                } else {
                    _ = try TeamQueries.setRole(.reader, of: id, account: session.userID, in: tx)
                }
            }
            let access = AccessOperations(
                store: server.store, users: server.gateway.users, passwords: Passwords(cost: .none), letters: nil)
            let team = TeamOperations(store: server.store, access: access)
            let requests: [@Sendable () async throws -> Void] = [
                // What comes before a key is shown or made, and before the account is deleted.
                { _ = try await access.confirm(TeamTests.password, of: session) },
                {
                    _ = try await team.invite(
                        "next@example.com", as: .owner, password: TeamTests.password, session: session)
                },
                {
                    _ = try await team.setRole(.owner, of: leeID, password: TeamTests.password, session: session)
                },
                { _ = try await team.remove(leeID, session: session) },
                { try await team.withdraw("max@example.com", session: session) },
            ]

            for request in requests {
                let refusal = await #expect(throws: Refusal.self) { try await request() }
                #expect(refusal?.kind == .forbidden)
            }

            let after = try await team.team(of: session.userID)
            let role = after.members.first(where: { $0.email == "lee@example.com" })?.role
            #expect(role == .reader)
            #expect(after.invitations.map(\.email) == ["max@example.com"])
        }
    }
}
