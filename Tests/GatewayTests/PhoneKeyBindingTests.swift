import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Which number a phone key may bind, and what becomes of the key that had it.
@Suite(.timeLimit(.minutes(15))) struct PhoneKeyBindingTests {
    private static let (first, second, third) = ("+18005550199", "+18005550188", "+18005550177")

    private static func login(_ client: APIClient, _ number: String) async throws -> APIClient.Answer {
        try await client.put("/v1/phones/fcm-token", ["phone_number": .string(number), "fcm_token": "taken"])
    }

    private static func numbers(of account: Account) async throws -> [String: [JSON]] {
        try await account.client.get("/v1/phone-api-keys").data.array.reduce(into: [:]) {
            $0[$1["id"].string] = $1["phone_numbers"].array
        }
    }

    private static let sms: JSON = ["from": "+18005550100", "content": "Hello"]

    @Test func aKeyWithAPhoneDoesNotTakeTheNumberOfAnother() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let victim = try await account.makePhone(Self.first)
            let other = try await account.makePhone(Self.second)

            let answer = try await Self.login(other.client, Self.first)

            #expect(answer.status == 409)
            #expect(answer.message.contains("belongs to another phone"))
            let phones = try await account.client.get("/v1/phones").data.array
            #expect(phones.allSatisfy { $0["fcm_token"] == "token" })
            #expect(
                try await Self.numbers(of: account) == [
                    victim.keyID: [.string(Self.first)], other.keyID: [.string(Self.second)],
                ])
            #expect(try await victim.receive(Self.sms).status == 200)
            #expect(try await victim.beat().status == 201)
        }
    }

    @Test func aKeyTakesTheNumberOfOneThatWasSilentFor16Minutes() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let before = try await account.makePhone(Self.first)
            let after = try await account.makePhone(Self.second)
            server.advance(by: .seconds(15 * 60))
            #expect(try await Self.login(after.client, Self.first).status == 409)
            server.advance(by: .seconds(61))

            #expect(try await Self.login(after.client, Self.first).status == 200)

            let expected: [String: [JSON]] = [
                before.keyID: [], after.keyID: [.string(Self.first), .string(Self.second)],
            ]
            #expect(try await Self.numbers(of: account) == expected)
            // Only what came in is still taken: the phone would forget it.
            #expect(try await before.receive(Self.sms).status == 200)
            let call: JSON = ["from": "+18005550100", "to": .string(Self.first), "sim": "SIM1"]
            #expect(try await before.client.post("/v1/messages/calls/missed", call).status == 200)
            #expect(try await before.beat().status == 401)
            let message = try await account.send()
            #expect(try await before.fetch(message["id"].string).status == 404)
            #expect(try await before.report("SENT", message["id"].string).status == 401)
            // It is not fresh again, and has to wait as the other one had to.
            #expect(try await Self.login(before.client, Self.first).status == 409)
        }
    }

    @Test func anyRequestOfTheOtherKeyBreaksItsSilence() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let victim = try await account.makePhone(Self.first)
            let other = try await account.makePhone(Self.second)
            server.advance(by: .seconds(3_600))
            #expect(try await victim.fetch(unknownID).status == 404)

            #expect(try await Self.login(other.client, Self.first).status == 409)
        }
    }

    @Test func aClockThatIsSetAheadMakesNobodySilent() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let victim = try await account.makePhone(Self.first)
            let other = try await account.makePhone(Self.second)
            server.advance(by: .seconds(3_600))
            #expect(try await victim.beat().status == 201)
            server.clock.jump(by: .seconds(7_200))

            #expect(try await Self.login(other.client, Self.first).status == 409)
            server.advance(by: .seconds(17 * 60))
            #expect(try await Self.login(other.client, Self.first).status == 200)
        }
    }

    @Test func whatANodeBeforeNotedCountsAfterAStart() async throws {
        let clock = AdjustableClock()
        try await withTemporaryDirectory { directory in
            try await withServer(in: directory, clock: clock) { server in
                let account = try await server.makeAccount(apiKey: "uk_account_of_the_test")
                _ = try await account.makePhone(Self.first)
                _ = try await account.makePhone(Self.second)
            }
            let used = clock.now()
            clock.advance(by: .seconds(3_600))
            try await withServer(in: directory, clock: clock) { server in
                let noted = try await server.store.read { tx in
                    try tx.rows("SELECT last_used_at FROM phone_api_key ORDER BY id").map {
                        try $0.get("last_used_at", as: Int64.self)
                    }
                }
                #expect(noted.count == 2 && noted.allSatisfy { $0 <= used.microseconds })
                let account = server.client(key: "uk_account_of_the_test")
                let keys = try await account.get("/v1/phone-api-keys").data.array
                let other = server.client(key: keys[0]["api_key"].string)
                // No phone could be heard while no server ran.
                #expect(try await Self.login(other, Self.first).status == 409)
                server.advance(by: .seconds(17 * 60))
                #expect(try await Self.login(other, Self.first).status == 200)
            }
        }
    }

    @Test func aNewKeyTakesAnyNumberAndTheSecondSIMWithIt() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let old = try await account.makePhone(Self.first)
            #expect(try await Self.login(old.client, Self.second).status == 200)
            _ = try await account.makePhone(Self.third)
            let key = try await account.client.post("/v1/phone-api-keys", ["name": "new phone"]).data
            let fresh = server.client(key: key["api_key"].string)

            #expect(try await Self.login(fresh, Self.first).status == 200)
            #expect(try await Self.login(fresh, Self.third).status == 409)
            #expect(try await Self.login(fresh, Self.second).status == 200)

            // The key that lost its numbers is no new one.
            #expect(try await Self.login(old.client, Self.third).status == 409)
            #expect(try await Self.login(old.client, "+18005550166").status == 200)
        }
    }

    @Test func aNumberThatIsFreeIsBoundByAnyKey() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let first = try await account.makePhone(Self.first)
            let second = try await account.makePhone(Self.second)
            let path = "/v1/phone-api-keys/\(first.keyID)/phones/\(first.id)"

            #expect(try await account.client.delete(path).status == 204)
            #expect(try await Self.login(second.client, Self.first).status == 200)
            #expect(try await Self.login(second.client, Self.first).status == 200)
            // What the account took from a key itself is not even told any more.
            #expect(try await first.receive(Self.sms).status == 401)
        }
    }

    @Test func twoKeysThatRaceForANumberDoNotBothHaveIt() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phones = [
                try await account.makePhone(Self.first), try await account.makePhone(Self.second),
                try await account.makePhone(Self.third),
            ]
            for round in 0..<10 {
                let number = "+1800555020\(round)"
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for phone in phones { group.addTask { try await Self.login(phone.client, number).status } }
                    return try await group.reduce(into: []) { $0.append($1) }.sorted()
                }
                #expect(statuses == [200, 409, 409])
                let holders = try await Self.numbers(of: account).values.filter { $0.contains(.string(number)) }
                #expect(holders.count == 1)
            }
        }
    }

    @Test func aKeyBindsTwentyNumbersAtMost() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone(Self.first)
            for number in 1..<20 {
                #expect(try await Self.login(phone.client, "+180055503\(number + 10)").status == 200)
            }

            let answer = try await Self.login(phone.client, "+18005550340")

            #expect(answer.status == 409)
            #expect(try await account.client.get("/v1/phones?limit=100").data.array.count == 20)
            #expect(try await Self.login(phone.client, Self.first).status == 200)
        }
    }

    @Test func aNumberOfAnotherAccountIsNotConcerned() async throws {
        try await withServer { server in
            let (mine, theirs) = (try await server.makeAccount(), try await server.makeAccount())
            let (ours, stranger) = (try await mine.makePhone(Self.first), try await theirs.makePhone(Self.second))

            #expect(try await Self.login(stranger.client, Self.first).status == 200)
            #expect(try await ours.beat().status == 201)
            #expect(try await mine.client.get("/v1/phones").data.array.count == 1)
        }
    }

    @Test func aDeletedKeyBindsNothing() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone(Self.first)
            let operations = try await server.store.read { tx in
                try tx.rows("SELECT user_id FROM phone").map { try $0.get("user_id", as: String.self) }
            }
            #expect(operations == [account.id])
            #expect(try await account.client.delete("/v1/phone-api-keys/\(phone.keyID)").status == 204)

            #expect(try await Self.login(phone.client, Self.second).status == 401)
            let bound = try await server.store.read { tx in
                try tx.rows("SELECT phone_id FROM phone_api_key_phone").count
            }
            #expect(bound == 0)
        }
    }

    @Test func theAccountAllowsAMoveOnThePageOfTheNumberAndSeesIt() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let before = try await account.makePhone(Self.first)
            let after = try await account.makePhone(Self.second)
            let browser = try await server.signedIn(account)
            let page = "/phones/\(before.id)"

            #expect(try await Self.login(after.client, Self.first).status == 409)
            #expect(try await browser.submit("\(page)/allow-move", on: page, []).status == 303)
            #expect(try await browser.get(page).text.contains("The next phone that logs in with this number takes it"))
            #expect(try await Self.login(after.client, Self.first).status == 200)

            let text = "+18005550199 went from “key of +18005550199” to “key of +18005550188”: it was allowed here."
            let shown = try await browser.get(page).text
            #expect(shown.contains(text) && !shown.contains("The next phone that logs in"))
            #expect(try await browser.get("/phones/keys").text.contains(text))
            // Once only.
            #expect(try await Self.login(before.client, Self.first).status == 409)
        }
    }

    @Test func consentLasts15MinutesAndStrangersCannotGiveIt() async throws {
        try await withServer { server in
            let (account, stranger) = (try await server.makeAccount(), try await server.makeAccount())
            let before = try await account.makePhone(Self.first)
            let after = try await account.makePhone(Self.second)
            let theirs = try await stranger.makePhone(Self.first)
            let page = "/phones/\(before.id)"
            let browser = try await server.signedIn(account)
            let other = try await server.signedIn(stranger)

            let refused = try await other.submit("\(page)/allow-move", on: "/phones/\(theirs.id)", [])
            #expect(refused.status == 404)
            #expect(try await browser.submit("\(page)/allow-move", on: page, []).status == 303)
            server.advance(by: .seconds(901))
            #expect(try await before.beat().status == 201)

            #expect(try await Self.login(after.client, Self.first).status == 409)
        }
    }
}
