import Storage
import Synchronization
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// How much an invited account may have.
@Suite(.timeLimit(.minutes(15))) struct QuotaTests {
    private static let settings = [
        "QUOTA_PHONES": "2", "QUOTA_PHONE_KEYS": "3", "QUOTA_SCHEDULES": "1", "QUOTA_WEBHOOKS": "1",
        "QUOTA_MESSAGES_PER_DAY": "3", "QUOTA_ATTACHMENT_BYTES_PER_DAY": "4",
    ]

    private static func webhook(_ account: Account) async throws -> Int {
        try await account.client.post(
            "/v1/webhooks",
            [
                "url": "http://8.8.8.8/", "signing_key": "secret", "events": ["message.phone.received"],
                "phone_numbers": ["+18005550199"],
            ]
        ).status
    }

    private static let schedule: JSON = [
        "name": "Day", "timezone": "UTC", "windows": [["day_of_week": 1, "start_minute": 0, "end_minute": 60]],
    ]

    @Test func anInvitedAccountHasAsMuchAsItMay() async throws {
        try await withServer(Self.settings) { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.makePhone("+18005550188")
            let more: JSON = ["phone_number": "+18005550177", "fcm_token": "token"]

            let refused = try await phone.client.put("/v1/phones/fcm-token", more)
            #expect(refused.status == 402)
            #expect(refused.message.contains("more than 2 phones"))
            #expect(try await account.client.put("/v1/phones", more).status == 402)
            #expect(try await account.client.get("/v1/phones").data.array.count == 2)
            #expect(try await account.client.post("/v1/phone-api-keys", ["name": "3"]).status == 200)
            #expect(try await account.client.post("/v1/phone-api-keys", ["name": "4"]).status == 402)
            #expect(try await Self.webhook(account) == 201)
            #expect(try await Self.webhook(account) == 402)
            let schedules = [
                try await account.client.post("/v1/send-schedules", Self.schedule).status,
                try await account.client.post("/v1/send-schedules", Self.schedule).status,
            ]
            #expect(schedules == [201, 402])
            #expect(
                try await phone.client.put("/v1/phones/fcm-token", more.with(["phone_number": "+18005550199"])).status
                    == 200)
        }
    }

    @Test func messagesAreCountedByTheDayAndAnSMSIsAlwaysTaken() async throws {
        try await withServer(Self.settings) { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let draft: JSON = ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]
            let many: JSON = ["from": "+18005550199", "to": ["+18005550100", "+18005550101"], "content": "Hi"]

            #expect(try await account.client.post("/v1/messages/bulk-send", many).status == 200)
            #expect(try await account.client.post("/v1/messages/bulk-send", many).status == 429)
            #expect(try await account.client.post("/v1/messages/send", draft).status == 200)
            #expect(try await account.client.post("/v1/messages/send", draft).status == 429)
            for _ in 0..<5 {
                #expect(try await phone.receive(["from": "+18005550100", "content": "Hello"]).status == 200)
            }
            server.advance(by: .seconds(86_400))
            #expect(try await account.client.post("/v1/messages/send", draft).status == 200)
        }
    }

    /// Ten callbacks for each webhook that the account may have. Whoever has none left, and no message either, is told to wait.
    @Test(arguments: Engine.enabled) func ofTwoLimitsTheOneOfTheDayIsTold(engine: Engine) async throws {
        try await withServer(Self.settings.merging(["QUOTA_MESSAGES_PER_DAY": "11"]) { $1 }, on: engine) { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            func send(_ to: JSON = "+18005550100", callback: Int? = nil) async throws -> Int {
                var draft: [String: JSON] = ["from": "+18005550199", "to": to, "content": "Hi"]
                if let callback { draft["callback_url"] = .string("http://8.8.8.8/\(callback)") }
                let path = to.array.isEmpty ? "send" : "bulk-send"
                return try await account.client.post("/v1/messages/\(path)", .object(draft)).status
            }
            for number in 0..<10 { #expect(try await send(callback: number) == 200) }

            #expect(try await send(callback: 10) == 422)
            // Of two messages one is left.
            #expect(try await send(["+18005550100", "+18005550101"], callback: 10) == 429)
            #expect(try await send() == 200)
            #expect(try await send(callback: 10) == 429)
            #expect(try await send(["+18005550100"], callback: 10) == 429)
            #expect(try await send(callback: 1) == 429)
        }
    }

    @Test(arguments: Engine.enabled) func aFileOfSeveralPhonesIsSentAsAWholeOrNotAtAll(engine: Engine) async throws {
        try await withServer(Self.settings, on: engine) { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            for number in ["+18005550199", "+18005550188"] { _ = try await account.makePhone(number) }
            let row = "+18005550188,+18005550100,Hi,,\n"
            let two = BulkFile.header + row + BulkFile.row

            #expect(try await account.upload(two + row + BulkFile.row).status == 429)
            #expect(try await account.allMessages().isEmpty)
            #expect(try await account.upload(two).status == 202)
            #expect(try await account.upload(two).status == 429)
            #expect(try await account.allMessages().count == 2)
        }
    }

    /// Two requests cannot both take the last room.
    @Test(arguments: Engine.enabled) func filesThatComeSideBySideNeverTakeMoreThanTheQuota(engine: Engine) async throws
    {
        try await withServer(Self.settings, on: engine) { server in
            _ = try await server.makeAccount()
            let phone = try await server.makeAccount().makePhone()

            let kept = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        let answer = try await phone.receive([
                            "from": "+18005550100", "content": .string("\(number)"),
                            "timestamp": .string("2026-07-22T10:15:\(10 + number)Z"),
                            "attachments": [["name": "a.png", "content_type": "image/png", "content": "AQIDBA=="]],
                        ])
                        #expect(answer.status == 200)
                        return answer.data["attachments"].array.count
                    }
                }
                return try await group.reduce(0, +)
            }

            #expect(kept == 1)
            let used: Int? = try await server.store.read { tx in
                try tx.value("SELECT SUM(attachment_bytes) AS value FROM account_usage")
            }
            #expect(used == 4)
        }
    }

    /// What comes to a phone is never refused, whatever the operator sets.
    @Test func aCallIsTakenWhereMoreWereSentThanTheQuotaIsNow() async throws {
        try await withTemporaryDirectory { directory in
            let key = Mutex("")
            let reply: JSON = ["phone_number": "+18005550199", "missed_call_auto_reply": "Later."]
            try await withServer(Self.settings, in: directory) { server in
                _ = try await server.makeAccount()
                let account = try await server.makeAccount()
                _ = try await account.makePhone()
                _ = try await account.client.put("/v1/phones", reply)
                for _ in 0..<3 { _ = try await account.send() }
                key.withLock { $0 = account.apiKey }
            }

            let fewer = Self.settings.merging(["QUOTA_MESSAGES_PER_DAY": "1"]) { $1 }
            try await withServer(fewer, in: directory) { server in
                let client = APIClient(baseURL: server.baseURL, apiKey: key.withLock { $0 })
                let call = try await client.post(
                    "/v1/messages/calls/missed", ["to": "+18005550199", "from": "+18005550100", "sim": "SIM1"])

                #expect(call.status == 200, "\(call.text)")
            }
        }
    }

    @Test(arguments: Engine.enabled) func anAutomaticReplyCountsAndIsLeftOutBeyondTheQuota(engine: Engine) async throws
    {
        try await withServer(Self.settings, on: engine) { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "missed_call_auto_reply": "Later."])
            func call() async throws -> APIClient.Answer {
                try await phone.client.post(
                    "/v1/messages/calls/missed", ["to": "+18005550199", "from": "+18005550100", "sim": "SIM1"])
            }
            _ = try await account.send()

            var calls: [APIClient.Answer] = []
            for _ in 0..<4 { calls.append(try await call()) }

            #expect(calls.map(\.status) == [200, 200, 200, 200])
            let reason: JSON = "no automatic reply was sent: the account has sent as many messages as it may in one day"
            #expect(calls.map { $0.data["failure_reason"] } == [.null, .null, reason, reason])
            let kept = try await account.message(calls[3].data["id"].string)
            #expect(kept == calls[3].data)
            let events = try await server.emittedTypes()
            #expect(events.count { $0 == "message.call.missed" } == 4)
            let types = try await account.allMessages().map { $0["type"].string }
            #expect(types.count { $0 == "mobile-terminated" } == 3)
            server.advance(by: .seconds(86_400))
            let next = try await call()
            #expect(next.data["failure_reason"] == .null)
        }
    }

    @Test func filesOverTheQuotaAreLeftOutAndTheSMSIsKept() async throws {
        try await withServer(Self.settings) { server in
            let owner = try await server.makeAccount()
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let sms: JSON = [
                "from": "+18005550100", "content": "Look",
                "attachments": [["name": "a.png", "content_type": "image/png", "content": "AAAA"]],
            ]

            let kept = try await phone.receive(sms)
            let left = try await phone.receive(sms)

            #expect([kept.status, left.status] == [200, 200])
            #expect(kept.data["attachments"].array.count == 1)
            #expect(left.data["attachments"] == [])
            #expect(left.data["failure_reason"].string.contains("attachments were not kept"))
            let exempt = try await owner.makePhone()
            _ = try await exempt.receive(sms)
            #expect(try await exempt.receive(sms).data["attachments"].array.count == 1)
        }
    }

    @Test func theOwnerIsExemptAndNoneIsNoLimit() async throws {
        try await withServer(Self.settings) { server in
            let owner = try await server.makeAccount()
            for number in 0..<4 { _ = try await owner.makePhone("+1800555019\(number)") }
            for _ in 0..<5 { _ = try await owner.send(["from": "+18005550190"]) }
        }
        for value in ["0", "none"] {
            try await withServer(["QUOTA_PHONES": value, "QUOTA_PHONE_KEYS": value]) { server in
                _ = try await server.makeAccount()
                let account = try await server.makeAccount()
                for number in 10..<32 { _ = try await account.makePhone("+180055501\(number)") }
            }
        }
    }

    @Test func racesDoNotPassTheLimit() async throws {
        try await withServer(Self.settings) { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await account.client.post("/v1/phone-api-keys", ["name": .string("\(number)")]).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 3)
        }
    }

    @Test(arguments: ["-1", "many", "1.5", "99999999999999999999"])
    func aQuotaThatCannotBeReadIsNamed(value: String) {
        #expect(throws: ConfigurationError.self) {
            try GatewayConfiguration(flags: [:], environment: ["QUOTA_PHONES": value])
        }
    }
}
