import Foundation
import TestSupport
import Testing

/// `POST /v1/webhooks/{webhookID}/replay` and `GET /v1/replays/{replayID}`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct ReplayTests {
    @Test func failedDeliveriesAreSentAgain() async throws {
        let isMended = Flag()
        try await withWebhookServer { request, _ in
            .status(request.content.hasPrefix("bad") && !isMended.isSet ? 400 : 200)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            for content in ["bad 1", "good", "bad 2"] { try await account.receive(content, on: phone) }
            _ = try await eventually("all to end") {
                try await account.deliveries(webhook).allSatisfy { $0["completed_at"] != nil } ? true : nil
            }
            isMended.set()

            let answer = try await account.client.post(
                "/v1/webhooks/\(webhook["id"].string)/replay", ["since": "2020-01-01T00:00:00Z"])
            let requests = try await receiver.requests(5)
            let replay = try await account.client.completed(answer.data)

            #expect(answer.status == 202)
            #expect(answer.message == "replay created successfully")
            #expect(answer.data["webhook_id"] == webhook["id"])
            #expect(answer.data["since"] == "2020-01-01T00:00:00Z")
            #expect(answer.data["statuses"] == ["failed"])
            #expect(replay["total"] == 3)
            #expect(replay["done"] == 3)
            #expect(replay["replayed"] == 2)
            #expect(Set(requests.suffix(2).map(\.content)) == ["bad 1", "bad 2"])
            #expect(Set(requests.map { $0.json["id"] }).count == 3)
        }
    }

    @Test func succeededDeliveriesAreSentAgainWithTheSameBytes() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            try await account.newest(webhook, is: "succeeded")

            let replay = try await account.replay(
                webhook, ["since": "2020-01-01T00:00:00Z", "statuses": ["succeeded"]])
            let requests = try await receiver.requests(2)

            #expect(replay["replayed"] == 1)
            #expect(requests[1].body == requests[0].body)
            #expect(requests[1].header("X-Httpsms-Attempt") == "2")
        }
    }

    @Test func aWebhookMadeLaterGetsWhatMatchesInOrderOfEachMessage() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            try await account.receive("before", on: phone)
            let message = try await account.send()["id"].string
            _ = try await phone.fetch(message)
            for event in ["SENT", "DELIVERED"] {
                _ = try await phone.report(event, message, ["timestamp": "2026-07-22T10:15:29.814Z"])
            }
            let webhook = try await account.makeWebhook(
                receiver.url(), events: ["message.phone.sent", "message.phone.delivered"])
            _ = try await account.client.put("/v1/webhooks/\(webhook["id"].string)", ["ordering": "message"])

            let replay = try await account.replay(
                webhook, ["since": "2020-01-01T00:00:00Z", "statuses": ["unmatched"]])
            let requests = try await receiver.requests(2)
            let again = try await account.replay(
                webhook, ["since": "2020-01-01T00:00:00Z", "statuses": ["unmatched", "failed"]])

            #expect(replay["total"] == 3)
            #expect(replay["replayed"] == 2)
            #expect(again["replayed"] == 0)
            #expect(requests.map(\.eventType) == ["message.phone.sent", "message.phone.delivered"])
            let log = try await account.deliveries(webhook, "message_id=\(message)")
            #expect(log.map(\.["sequence"]) == [2, 1])
        }
    }

    @Test func theRangeIncludesItsBeginningAndExcludesItsEnd() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            for content in ["1", "2", "3", "4"] { try await account.receive(content, on: phone) }
            let times = try await account.client.get("/v1/events?after=0").data.array.map { $0["event"]["time"] }
            let webhook = try await account.makeWebhook(receiver.url())

            let replay = try await account.replay(
                webhook, ["since": times[1], "until": times[3], "statuses": ["unmatched"]])
            let requests = try await receiver.requests(2)

            #expect(replay["total"] == 2)
            #expect(replay["since"] == times[1])
            #expect(replay["until"] == times[3])
            #expect(requests.map(\.content).sorted() == ["2", "3"])
        }
    }

    @Test func aReplayIsNarrowedByTypeAnswerAndContact() async throws {
        try await withWebhookServer { request, _ in
            .status(request.content == "gone" ? 404 : 400)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            for (contact, content) in [("+18005550100", "1"), ("BANK", "gone"), ("BANK", "3")] {
                _ = try await phone.receive(["from": .string(contact), "content": .string(content)])
            }
            let message = try await account.send()["id"].string
            _ = try await phone.fetch(message)
            _ = try await phone.report("SENT", message, ["timestamp": "2026-07-22T10:15:29.814Z"])
            _ = try await eventually("all to fail") {
                try await account.deliveries(webhook, "status=failed").count == 4 ? true : nil
            }
            // Holds what is sent again, so that each is found once.
            try await account.act("pause", on: webhook)
            func replay(_ filter: [String: JSON]) async throws -> JSON {
                let range: JSON = ["since": "2020-01-01T00:00:00Z"]
                return try await account.replay(webhook, range.with(filter))
            }

            let sent = try await replay(["event_type": "message.phone.sent"])
            let gone = try await replay(["status_code": 404])
            let unavailable = try await replay(["status_code": 503])
            let bank = try await replay(["contact": " BANK "])
            let nobody = try await replay(["contact": "+18005550101"])
            let other = try await replay(["contact": "(800) 555-0100", "status_code": 404])
            let dialled = try await replay([
                "contact": "(800) 555-0100", "status_code": 400, "event_type": "message.phone.received",
            ])

            let counts = [sent, gone, unavailable, bank, nobody, other, dialled].map(\.["replayed"])
            #expect(counts == [1, 1, 0, 1, 0, 0, 1])
            #expect(sent["total"] == 4 && sent["done"] == 4)
            #expect(sent["event_type"] == "message.phone.sent")
            #expect(sent["status_code"] == .null && sent["contact"] == .null)
            #expect(gone["status_code"] == 404 && gone["event_type"] == .null)
            #expect(bank["contact"] == "BANK")
            #expect(try await account.deliveries(webhook, "status=held").count == 4)
        }
    }

    @Test func whatWasNeverSentIsNarrowedAsWell() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            for contact in ["+18005550100", "BANK"] {
                _ = try await phone.receive(["from": .string(contact), "content": .string(contact)])
            }
            let webhook = try await account.makeWebhook(receiver.url())
            let body: JSON = ["since": "2020-01-01T00:00:00Z", "statuses": ["unmatched"], "contact": "BANK"]

            // Nothing answered it.
            let answered = try await account.replay(webhook, body.with(["status_code": 200]))
            let replay = try await account.replay(webhook, body)
            let requests = try await receiver.requests(1)

            #expect(answered["replayed"] == 0 && replay["replayed"] == 1)
            #expect(requests.map(\.content) == ["BANK"])
        }
    }

    @Test(
        arguments: [
            ("event_type", "message.phone.lost"), ("event_type", ""), ("status_code", 99), ("status_code", 600),
            ("contact", .string(String(repeating: "1", count: 256))),
        ] as [(String, JSON)])
    func whatItIsNarrowedToIsChecked(field: String, value: JSON) async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            let body: JSON = ["since": "2020-01-01T00:00:00Z"]

            let answer = try await account.client.post(
                "/v1/webhooks/\(webhook["id"].string)/replay", body.with([field: value]))

            #expect(answer.status == 422)
            #expect(answer.message == "validation errors while creating replay")
            #expect(Array(answer.data.object.keys) == [field])
        }
    }

    @Test func aPausedWebhookHoldsWhatIsReplayed() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            try await account.receive("1", on: phone)
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)

            let replay = try await account.replay(
                webhook, ["since": "2020-01-01T00:00:00Z", "statuses": ["unmatched"]])

            #expect(replay["replayed"] == 1)
            #expect(try await account.deliveries(webhook).map(\.["status"]) == ["held"])
            try await account.act("resume", on: webhook)
            _ = try await receiver.requests(1)
        }
    }

    @Test func aJobGoesOnAfterARestartInTheMiddle() async throws {
        let count = 1_700
        try await withTemporaryDirectory { directory in
            try await WebhookReceiver.run { receiver in
                let saved = Saved()
                try await withServer(in: directory) { server in
                    let account = try await server.makeAccount()
                    let phone = try await account.makePhone()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for task in 0..<17 {
                            group.addTask {
                                for index in 0..<count / 17 { try await account.receive("\(task) \(index)", on: phone) }
                            }
                        }
                        try await group.waitForAll()
                    }
                    let webhook = try await account.makeWebhook(receiver.url())
                    let answer = try await account.client.post(
                        "/v1/webhooks/\(webhook["id"].string)/replay",
                        ["since": "2020-01-01T00:00:00Z", "statuses": ["unmatched"]])
                    saved.set(account.apiKey, answer.data)
                }
                let (key, replay) = saved.values

                try await withServer(in: directory) { server in
                    let done = try await server.client(key: key).completed(replay)
                    let requests = try await receiver.requests(count)

                    #expect(done["total"] == .int(count))
                    #expect(done["done"] == .int(count))
                    #expect(done["replayed"] == .int(count))
                    #expect(Set(requests.map(\.content)).count == count)
                }
            }
        }
    }

    @Test(
        arguments: [
            ([:], ["since": ["The since field is required"]]),
            (
                ["since": "2026-07-22T10:00:00Z", "until": "2026-07-22T10:00:00Z"],
                ["until": ["The until field must be later than since"]]
            ),
            (["since": "2999-01-01T00:00:00Z"], ["until": ["The until field must be later than since"]]),
            (["since": "2026-07-22T10:00:00Z", "statuses": []], ["statuses": ["The statuses field is required"]]),
            (
                ["since": "2026-07-22T10:00:00Z", "statuses": ["lost"]],
                ["statuses": ["The statuses field must be one of failed, succeeded, unmatched"]]
            ),
        ] as [(JSON, [String: [String]])])
    func whatCannotBeReplayedIsNamed(body: JSON, errors: [String: [String]]) async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            let path = "/v1/webhooks/\(webhook["id"].string)/replay"

            let answer = try await account.client.post(path, body)

            #expect(answer.status == 422)
            #expect(answer.json == Envelope.invalid("validation errors while creating replay", errors))
            #expect(try await account.client.send("POST", path).status == 422)
            #expect(try await account.client.post(path, ["since": "yesterday"]).status == 400)
        }
    }

    @Test func foreignReplaysAreNotFound() async throws {
        try await withWebhookServer { server, account, _, receiver in
            let stranger = try await server.makeAccount()
            let webhook = try await account.makeWebhook(receiver.url())
            let body: JSON = ["since": "2020-01-01T00:00:00Z"]
            let path = "/v1/webhooks/\(webhook["id"].string)/replay"
            let replay = try await account.client.post(path, body).data["id"].string

            #expect(try await stranger.client.post(path, body).status == 404)
            #expect(try await stranger.client.get("/v1/replays/\(replay)").status == 404)
            #expect(
                try await account.client.get("/v1/replays/\(unknownID)").json
                    == Envelope.error("cannot find replay with ID [\(unknownID)]"))
            #expect(try await account.client.get("/v1/replays/abc").status == 422)
            #expect(try await account.client.post("/v1/webhooks/\(unknownID)/replay", body).status == 404)
        }
    }
}

extension Account {
    /// Replays to a webhook, and gives the job once it is over.
    @discardableResult
    func replay(_ webhook: JSON, _ body: JSON) async throws -> JSON {
        try await client.completed(act("replay", on: webhook, body))
    }
}

extension APIClient {
    /// Waits for the end of a replay.
    fileprivate func completed(_ replay: JSON) async throws -> JSON {
        try await eventually("the end of the replay") {
            [try await get("/v1/replays/\(replay["id"].string)").data].first { $0["status"] == "completed" }
        }
    }
}
