import Delivery
import Foundation
import Storage
import TestSupport
import Testing

@testable import Gateway

/// Several users: the owner asks them in, they see what is theirs, and the owner's networks are not theirs.
@Suite(.timeLimit(.minutes(15))) struct UserPageTests {
    private static func invite(_ email: String, _ owner: PageClient) async throws -> String {
        let answer = try await owner.submit("/users/invite", on: "/users", [("email", email)])
        return try #require(answer.text.firstMatch(of: /<pre id="link">http[^<]*?(\/invitation\?token=[0-9a-f]{64})</))
            .1.description
    }

    private static func accept(
        _ path: String, _ server: TestServer
    ) async throws -> (page: PageClient, answer: APIClient.Answer) {
        let page = PageClient(baseURL: server.baseURL)
        return (
            page,
            try await page.submit(
                "/invitation", on: path, [("token", String(path.suffix(64))), ("password", "battery staple")])
        )
    }

    @Test func whoIsInvitedMakesOneAccountAndSeesNothingOfTheOwners() async throws {
        try await withServer { server in
            let (owner, account) = try await server.signedIn()
            _ = try await account.makePhone()
            let webhook = try await account.makeWebhook("http://127.0.0.1:1/hook")["id"].string

            let link = try await Self.invite("Guest@example.com", owner)
            let opened = try await PageClient(baseURL: server.baseURL).get(link).text
            let (guest, first) = try await Self.accept(link, server)
            let second = try await Self.accept(link, server).answer

            #expect(opened.contains("value=\"guest@example.com\""))
            #expect(first.status == 303 && second.status == 422)
            #expect(try await guest.get("/").text.contains("Connect a phone"))
            #expect(try await guest.get("/settings/webhooks/\(webhook)").status == 404)
            #expect(try await guest.get("/users").status == 404)
            #expect(try await guest.submit("/users/invite", on: "/account", [("email", "a@b.c")]).status == 404)
            let list = try await owner.get("/users").text
            #expect(list.contains("guest@example.com") && !list.contains(String(link.suffix(64))))
        }
    }

    @Test func anInvitationEndsAfterAWeekWhenItIsWithdrawnAndWhenAnotherIsMade() async throws {
        try await withServer { server in
            let owner = try await server.signedIn().page

            let old = try await Self.invite("a@example.com", owner)
            let newer = try await Self.invite("a@example.com", owner)
            let withdrawn = try await Self.invite("b@example.com", owner)
            _ = try await owner.submit("/users/withdraw", on: "/users", [("email", "b@example.com")])
            let late = try await Self.invite("c@example.com", owner)

            #expect(try await Self.accept(old, server).answer.status == 422)
            #expect(try await Self.accept(newer, server).answer.status == 303)
            #expect(try await Self.accept(withdrawn, server).answer.status == 422)
            server.advance(by: .seconds(7 * 86_400 + 1))
            #expect(try await Self.accept(late, server).answer.status == 422)
        }
    }

    @Test func whoHasAnAccountIsNotInvitedAndNonsenseIsNobody() async throws {
        try await withServer { server in
            let (owner, account) = try await server.signedIn()

            for (email, words) in [(account.email.uppercased(), "already with this"), ("<b>", "is not an e-mail")] {
                let answer = try await owner.submit("/users/invite", on: "/users", [("email", email)])
                #expect(answer.status == 422 && answer.text.contains(words) && !answer.text.contains("<b>"))
            }
        }
    }

    @Test func theOwnerRemovesSomebodyWithThePasswordAndNotThemselves() async throws {
        try await withServer { server in
            let (owner, account) = try await server.signedIn()
            let member = try await server.makeAccount()
            func remove(_ id: String, _ password: String) async throws -> Int {
                try await owner.submit("/users/remove", on: "/users", [("user_id", id), ("current", password)]).status
            }

            #expect(try await remove(member.id, "wrong horse") == 422)
            #expect(try await remove(account.id, "correct horse") == 422)
            #expect(try await member.client.get("/v1/users/me").status == 200)
            #expect(try await remove(member.id, "correct horse") == 303)
            #expect(try await member.client.get("/v1/users/me").status == 401)
        }
    }

    @Test func theOperatorsNetworksAreForTheOwnersWebhooksOnly() async throws {
        try await withServer { server in
            let owner = try await server.makeAccount()
            let member = try await server.makeAccount()
            for account in [owner, member] { _ = try await account.makePhone() }
            let body: JSON = [
                "url": "http://127.0.0.1:1/hook", "signing_key": "key", "events": ["message.phone.received"],
                "phone_numbers": ["+18005550199"],
            ]

            let own = try await owner.client.post("/v1/webhooks", body)
            let foreign = try await member.client.post("/v1/webhooks", body)

            #expect(own.status == 201)
            #expect(foreign.status == 422)
            #expect(foreign.data["url"][0].string.contains("must lead to a public address"))
            #expect(!foreign.data["url"][0].string.contains("WEBHOOK_ALLOWED_NETWORKS"))
        }
    }

    @Test func aMembersWebhookIsJudgedAtEachDial() async throws {
        try await WebhookReceiver.run { _, _ in
            .status(200)
        } body: { receiver in
            try await withServer { server in
                _ = try await server.makeAccount()
                let member = try await server.makeAccount()
                _ = try await member.makePhone()
                // A name that leads somewhere public when it is saved may lead elsewhere later.
                let id = try await member.makeWebhook("http://192.0.2.1.invalid/hook")["id"].string
                try await server.store.write { tx in
                    _ = try tx.run("UPDATE endpoint SET url = \(receiver.url()) WHERE user_id = \(member.id)")
                }
                _ = try await member.client.post("/v1/webhooks/\(id)/test", [:])

                let error = try await eventually("the delivery was tried") {
                    let list = try await member.client.get("/v1/webhooks/\(id)/deliveries").data.array
                    return list.first?["last_error"].string.isEmpty == false ? list.first?["last_error"].string : nil
                }

                #expect(error == "address_blocked")
                #expect(receiver.requests.isEmpty)
            }
        }
    }
}
