import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// `messages_per_minute`: planned times, what moves them, and that they are kept.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PacingTests {
    private static func rate(_ rate: Int, of account: Account) async throws {
        let body: JSON = ["phone_number": "+18005550199", "messages_per_minute": .int(rate)]
        #expect(try await account.client.put("/v1/phones", body).status == 200)
    }

    /// The planned times of `messages` in seconds after the first.
    private static func plan(_ ids: [String], of account: Account) async throws -> [Double] {
        var times: [Timestamp] = []
        for id in ids {
            let text = try await account.message(id)["scheduled_at"].string
            times.append(try #require(Timestamp(rfc3339: text)))
        }
        return times.map { Double(($0 - times[0]).microseconds) / 1_000_000 }
    }

    private static func isScheduled(_ id: String, of account: Account) async throws {
        _ = try await eventually("\(id) is handed out") {
            try await account.message(id)["status"] == "scheduled" ? true : nil
        }
    }

    @Test(
        arguments: [(10, [0, 6, 12, 18]), (7, [0, 8.571428, 17.142856, 25.714284]), (0, [0, 0, 0, 0])]
            as [(Int, [Double])])
    func messagesAreAGapApart(rate: Int, expected: [Double]) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            try await Self.rate(rate, of: account)
            var ids: [String] = []
            for _ in 0..<4 { ids.append(try await account.send()["id"].string) }

            let plan = try await Self.plan(ids, of: account)

            if rate > 0 { #expect(plan == expected) } else { #expect(plan.allSatisfy { $0 < 20 }) }
        }
    }

    @Test func aMessageIsHandedOutWhenItsTimeHasComeAndNotBefore() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            try await Self.rate(1, of: account)
            let ids = [try await account.send()["id"].string, try await account.send()["id"].string]
            try await Self.isScheduled(ids[0], of: account)
            #expect(try await account.message(ids[1])["status"] == "pending")

            server.advance(by: .seconds(60))
            try await Self.isScheduled(ids[1], of: account)
        }
    }

    @Test func anotherRatePlansWhatWaitsAnew() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            try await Self.rate(1, of: account)
            var ids: [String] = []
            for _ in 0..<3 { ids.append(try await account.send()["id"].string) }
            #expect(try await Self.plan(ids, of: account) == [0, 60, 120])
            try await Self.isScheduled(ids[0], of: account)

            try await Self.rate(2, of: account)

            #expect(try await Self.plan(ids, of: account) == [0, 30, 60])
        }
    }

    @Test func aDeletedMessageLeavesItsTimeToTheNext() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            try await Self.rate(1, of: account)
            var ids: [String] = []
            for _ in 0..<3 { ids.append(try await account.send()["id"].string) }
            try await Self.isScheduled(ids[0], of: account)

            #expect(try await account.client.send("DELETE", "/v1/messages/\(ids[1])").status == 204)

            #expect(try await Self.plan([ids[0], ids[2]], of: account) == [0, 60])
        }
    }

    @Test func aMessageWithATimeOfItsOwnTakesNobodysTurn() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            try await Self.rate(1, of: account)
            let first = try await account.send()["id"].string
            let soon = server.clock.now() + .seconds(30)
            let exact = try await account.send(["send_at": .string(soon.rfc3339)])
            let second = try await account.send()["id"].string

            #expect(exact["scheduled_at"].string == soon.rfc3339)
            #expect(try await Self.plan([first, second], of: account) == [0, 60])
        }
    }

    @Test func whatWasMissedIsNotSentInOneBurst() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            try await Self.rate(1, of: account)
            var ids: [String] = []
            for _ in 0..<4 { ids.append(try await account.send()["id"].string) }
            try await Self.isScheduled(ids[0], of: account)

            // As if the server had been away for ten minutes: three are due at once.
            server.advance(by: .seconds(600))
            try await Self.isScheduled(ids[1], of: account)

            let plan = try await Self.plan(Array(ids[2...]), of: account)
            #expect(try await account.message(ids[2])["status"] == "pending")
            #expect(plan == [0, 60])
        }
    }

    @Test func aBatchAndSingleMessagesTakeTurns() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let number = "+18005550199"
            _ = try await account.makePhone(number)
            let userID = UserID(account.id)
            let batch = try await server.store.write { tx in
                let phone = try #require(try PhoneQueries.find(number: number, userID: userID, in: tx))
                let messages = (0..<100).map { index in
                    Message(
                        outgoing: MessageID(at: tx.now), from: phone, to: "+1800555\(1_000 + index)", content: "bulk",
                        requestID: nil, batch: "bulk-1", source: "/v1/messages/bulk-send", at: tx.now)
                }
                return try MessagePlanner.add(messages, from: phone, within: Quotas(), in: tx).map(\.id.text)
            }
            try await Self.isScheduled(batch[0], of: account)

            let single = try await account.send()["id"].string
            let other = try await account.send()["id"].string

            let plan = try await Self.plan(
                [batch[0], batch[1], single, batch[2], other, batch[3], batch[99]], of: account)
            #expect(plan == [0, 6, 12, 18, 24, 30, 606] || plan == [0, 12, 6, 24, 18, 30, 606])
        }
    }
}
