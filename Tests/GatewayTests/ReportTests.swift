import TestSupport
import Testing
import Timestamps

/// `GET /v1/messages/outstanding` and `POST /v1/messages/{id}/events`.
@Suite(.timeLimit(.minutes(15))) struct ReportTests {
    @Test func aMessageIsTakenOverOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string

            let first = try await phone.fetch(id)
            let again = try await phone.fetch(id)

            #expect(first.status == 200)
            #expect(first.message == "outstanding message fetched successfully")
            #expect(first.data["status"] == "sending")
            #expect(first.data["last_attempted_at"] == first.data["updated_at"])
            #expect(again.status == 404)
            #expect(again.json == Envelope.error("Cannot find outstanding message with ID [\(id)]"))
        }
    }

    @Test func concurrentPhonesDoNotBothGetAMessage() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string

            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await phone.fetch(id).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(statuses.sorted() == [200] + Array(repeating: 404, count: 19))
        }
    }

    @Test func whatIsNotOutstandingIsNotFound() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone()
            let stranger = try await other.makePhone()
            let id = try await account.send()["id"].string
            let inbound = try await phone.receive(["from": "+18005550100", "content": "Hello"]).data["id"].string

            for answer in [
                try await phone.fetch(inbound), try await phone.fetch(unknownID), try await stranger.fetch(id),
                try await other.client.get("/v1/messages/outstanding?message_id=\(id)"),
            ] {
                #expect(answer.status == 404)
            }
            let refused = try await phone.client.get("/v1/messages/outstanding")
            #expect(
                refused.json
                    == Envelope.invalid(
                        "validation errors while fetching outstanding messages",
                        [
                            "message_id": [
                                "The message_id field is required", "The message_id field must contain valid UUID",
                            ]
                        ]))
            #expect(try await phone.fetch(id).status == 200)
        }
    }

    @Test func aReportMovesTheMessageAndCarriesThePhonesTime() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string
            let sent = (server.clock.now() + .seconds(2)).rfc3339
            let delivered = (server.clock.now() + .seconds(5)).rfc3339

            let first = try await phone.report("SENT", id, ["timestamp": .string(sent)])
            let second = try await phone.report("DELIVERED", id, ["timestamp": .string(delivered)])

            #expect(first.status == 200)
            #expect(first.message == "message event stored successfully")
            #expect(first.data["status"] == "sent")
            #expect(first.data["sent_at"].string == sent)
            #expect(first.data["order_timestamp"] == first.data["updated_at"])
            #expect(second.data["status"] == "delivered")
            #expect(second.data["delivered_at"].string == delivered)
            #expect(second.data["send_time"] == first.data["send_time"])
            let received = try #require(Timestamp(rfc3339: first.data["request_received_at"].string))
            let took = try #require(Timestamp(rfc3339: sent)) - received
            #expect(first.data["send_time"] == .int(Int(took.microseconds) * 1_000))
            #expect(try await account.message(id) == second.data)
        }
    }

    @Test func aReportWithoutATimeGetsTheServers() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string

            let answer = try await phone.report("SENT", id)

            #expect(answer.data["sent_at"] == answer.data["updated_at"])
        }
    }

    @Test func aReportThatChangesNothingIsNoErrorAndTellsNobody() async throws {
        let table: [(reports: [String], status: String, events: [String])] = [
            (["SENT", "SENT"], "sent", ["message.phone.sent"]),
            (["SENT", "DELIVERED", "SENT"], "delivered", ["message.phone.sent", "message.phone.delivered"]),
            (["DELIVERED", "DELIVERED", "FAILED"], "delivered", ["message.phone.delivered"]),
            (["FAILED", "FAILED", "SENT", "DELIVERED"], "failed", ["message.send.failed"]),
            (["SENT", "FAILED"], "failed", ["message.phone.sent", "message.send.failed"]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            var emitted: [String] = []
            for row in table {
                let id = try await account.send()["id"].string
                var last: APIClient.Answer?
                for report in row.reports {
                    last = try await phone.report(report, id)
                    #expect(last?.status == 200)
                }
                emitted += row.events

                #expect(last?.data["status"].string == row.status, "\(row.reports)")
                #expect(try await server.emittedTypes() == emitted, "\(row.reports)")
            }
        }
    }

    @Test func concurrentRepeatsAreToldOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await phone.report("SENT", id) } }
                try await group.waitForAll()
            }

            #expect(try await server.emittedTypes() == ["message.phone.sent"])
        }
    }

    @Test func inboundMessagesTakeNoReports() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            let inbound = try await phone.receive(["from": "+18005550100", "content": "Hello"]).data

            for report in ["SENT", "DELIVERED", "FAILED"] {
                let answer = try await phone.report(report, inbound["id"].string)

                #expect(answer.status == 200)
                #expect(answer.data == inbound)
            }
            #expect(try await server.emittedTypes() == ["message.phone.received"])
        }
    }

    @Test func aFailureHasAReason() async throws {
        let permission = """
            Neither user 1 nor process has android.permission.SEND_SMS. You need to grant the SMS permission to the \
            httpSMS Android app https://httpsms.com/blog/grant-send-and-read-sms-permissions-on-android
            """
        let table: [(reason: JSON, kept: String)] = [
            ("NO_SERVICE", "NO_SERVICE"), (.null, "UNKNOWN ERROR"), (.absent, "UNKNOWN ERROR"), ("", "UNKNOWN ERROR"),
            ("Neither user 1 nor process has android.permission.SEND_SMS.", permission),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            for row in table {
                let id = try await account.send()["id"].string
                let answer = try await phone.report("FAILED", id, JSON.object([:]).with(["reason": row.reason]))

                #expect(answer.data["failure_reason"].string == row.kept)
                #expect(answer.data["failed_at"] != .null)
            }
        }
    }

    @Test func aReasonIsReadWithFailuresOnly() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send()["id"].string

            let answer = try await phone.report("SENT", id, ["reason": "nonsense"])

            #expect(answer.data["failure_reason"] == .null)
        }
    }

    @Test func partsOfALongMessageAreAnswered204Unseen() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            for id in ["\(unknownID).0", "\(unknownID).12", "x.y", "."] {
                let answer = try await phone.report("SENT", id)

                #expect(answer.status == 204, "\(id) \(answer)")
                #expect(answer.body == [])
            }
            let unreadable = try await phone.client.send(
                "POST", "/v1/messages/\(unknownID).0/events", headers: [("Content-Type", "application/json")],
                body: Array("{".utf8))
            #expect(unreadable.status == 400)
        }
    }

    @Test func unknownMessagesAndNamesAreRefused() async throws {
        let oneOf = "The event_name field must be one of SENT, FAILED, DELIVERED"
        let table: [(id: String, name: JSON, errors: [String: [String]])] = [
            (unknownID, .absent, ["event_name": ["The event_name field is required", oneOf]]),
            (unknownID, .null, ["event_name": ["The event_name field is required", oneOf]]),
            (unknownID, "sent", ["event_name": [oneOf]]),
            (unknownID, "EXPIRED", ["event_name": [oneOf]]),
            ("nonsense", "SENT", ["messageID": ["The messageID field must contain valid UUID"]]),
            (
                "nonsense", "sent",
                ["event_name": [oneOf], "messageID": ["The messageID field must contain valid UUID"]]
            ),
        ]
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone()
            for row in table {
                let answer = try await phone.client.post(
                    "/v1/messages/\(row.id)/events", JSON.object([:]).with(["event_name": row.name]))

                #expect(answer.status == 422)
                #expect(answer.json == Envelope.invalid("validation errors while storing event", row.errors))
            }
            _ = try await other.makePhone("+18005550188")
            let foreign = try await other.send(["from": "+18005550188"])["id"].string
            for id in [unknownID, foreign] {
                let answer = try await phone.report("SENT", id)

                #expect(answer.status == 404)
                #expect(answer.json == Envelope.error("cannot find message with ID [\(id)]"))
            }
        }
    }
}
