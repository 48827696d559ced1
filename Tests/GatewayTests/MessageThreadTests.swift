import TestSupport
import Testing

/// `/v1/message-threads`, and how threads follow their messages.
@Suite(.timeLimit(.minutes(15))) struct MessageThreadTests {
    private static let list = "/v1/message-threads?owner=%2B18005550199"
    private static let contact = "+18005550100"

    @Test func aThreadShowsItsLastMessageByOrderNotByArrival() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let late = try await phone.receive([
                "from": "+18005550100", "content": "late", "timestamp": "2026-07-22T10:02:00Z",
            ])
            _ = try await phone.receive([
                "from": "+18005550100", "content": "early", "timestamp": "2026-07-22T10:01:00Z",
            ])

            let answer = try await account.client.get(Self.list)

            #expect(answer.status == 200)
            #expect(answer.message == "fetched 1 message thread")
            let thread = answer.data[0]
            let expected: JSON = [
                "id": thread["id"], "owner": "+18005550199", "contact": "+18005550100", "is_archived": false,
                "is_read": false, "user_id": .string(account.id), "color": thread["color"], "status": "received",
                "last_message_content": "late", "last_message_id": late.data["id"],
                "created_at": thread["created_at"], "updated_at": thread["updated_at"],
                "order_timestamp": "2026-07-22T10:02:00Z",
            ]
            #expect(thread == expected)
        }
    }

    @Test func outgoingMessagesMoveTheStatusAndLeaveTheReadMark() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let id = try await account.send(["content": "Out"])["id"].string
            let first = try await account.client.get(Self.list).data[0]
            #expect(first["is_read"] == true)
            #expect(["pending", "scheduled"].contains(first["status"].string))

            _ = try await phone.fetch(id)
            #expect(try await account.client.get(Self.list).data[0]["status"] == "sending")
            _ = try await phone.report("SENT", id)
            #expect(try await account.client.get(Self.list).data[0]["status"] == "sent")
            _ = try await phone.receive(["from": "+18005550100", "content": "In", "timestamp": "2000-01-01T00:00:00Z"])
            let after = try await account.client.get(Self.list).data[0]
            #expect(after["is_read"] == false)
            #expect(after["last_message_content"] == "Out")
            _ = try await phone.report("DELIVERED", id)
            #expect(try await account.client.get(Self.list).data[0]["is_read"] == false)
        }
    }

    @Test func aMissedCallIsShownInWordsAndUnread() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()

            _ = try await phone.client.post(
                "/v1/messages/calls/missed", ["to": "+18005550199", "from": "+18005550100"])

            let thread = try await account.client.get(Self.list).data[0]
            #expect(thread["last_message_content"] == "Missed phone call")
            #expect(thread["is_read"] == false)
        }
    }

    @Test func threadsArePagedSearchedAndApart() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone()
            for (minute, contact, content) in [
                (1, "+18005550101", "50% off"), (2, "MTN", "A_b"), (3, "12345", "Übung"),
            ] {
                _ = try await phone.receive([
                    "from": .string(contact), "content": .string(content), "timestamp": "2026-07-22T10:0\(minute):00Z",
                ])
            }
            let table: [(query: String, contacts: [JSON])] = [
                ("", ["12345", "MTN", "+18005550101"]), ("&limit=2", ["12345", "MTN"]),
                ("&limit=2&skip=2", ["+18005550101"]), ("&limit=0", []),
                ("&limit=500", ["12345", "MTN", "+18005550101"]),
                ("&query=%25", ["+18005550101"]), ("&query=a_B", ["MTN"]), ("&query=mtn", ["MTN"]),
                ("&query=5550101", ["+18005550101"]), ("&query=8005550199", ["12345", "MTN", "+18005550101"]),
                ("&is_archived=true", []), ("&is_archived=0", ["12345", "MTN", "+18005550101"]),
            ]
            for row in table {
                let answer = try await account.client.get(Self.list + row.query)
                #expect(answer.data.array.map { $0["contact"] } == row.contacts, "\(row.query)")
            }
            #expect(try await account.client.get("/v1/message-threads?owner=18005550199").data.array.count == 3)
            #expect(try await other.client.get(Self.list).data == [])
        }
    }

    @Test func marksAreKeptUntilSomethingComesIn() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone()
            _ = try await phone.receive(["from": "+18005550100", "content": "1"])
            let id = try await account.client.get(Self.list).data[0]["id"].string

            let answer = try await account.client.put("/v1/message-threads/\(id)", ["is_archived": true])
            #expect(answer.status == 200)
            #expect(answer.message == "message thread updated successfully")
            #expect(answer.data["is_archived"] == true)
            #expect(answer.data["is_read"] == false)
            #expect(try await account.client.get(Self.list).data == [])
            let read = try await account.client.put("/v1/message-threads/\(id)", ["is_read": true])
            #expect(read.data["is_read"] == true)
            #expect(read.data["is_archived"] == true)

            _ = try await phone.receive(["from": "+18005550100", "content": "2"])
            let archived = try await account.client.get(Self.list + "&is_archived=1").data
            #expect(archived[0]["last_message_content"] == "2")
            #expect(archived[0]["is_read"] == false)

            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "unarchive_thread": true])
            _ = try await account.send()
            #expect(try await account.client.get(Self.list).data == [])
            _ = try await phone.receive(["from": "+18005550100", "content": "3"])
            #expect(try await account.client.get(Self.list).data[0]["last_message_content"] == "3")

            let foreign = try await other.client.put("/v1/message-threads/\(id)", ["is_read": true])
            #expect(foreign.status == 404)
            #expect(foreign.json == Envelope.error("cannot find message thread with ID [\(id)]"))
        }
    }

    @Test func aDeletedMessageGivesWayToTheOneBeforeIt() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            var ids: [String] = []
            for minute in 1...3 {
                let answer = try await phone.receive([
                    "from": "+18005550100", "content": "\(minute)", "timestamp": "2026-07-22T10:0\(minute):00Z",
                ])
                ids.append(answer.data["id"].string)
            }
            let steps: [(deleted: String, last: JSON)] = [(ids[1], "3"), (ids[2], "1")]
            for step in steps {
                #expect(try await account.client.delete("/v1/messages/\(step.deleted)").status == 204)
                #expect(try await account.client.get(Self.list).data[0]["last_message_content"] == step.last)
            }
            _ = try await account.client.delete("/v1/messages/\(ids[0])")
            #expect(try await account.client.get(Self.list).data == [])
        }
    }

    @Test func aDeletedThreadTakesItsMessagesAlong() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await phone.receive(["from": "+18005550100", "content": "1"])
            let waiting = try await account.send()["id"].string
            let kept = try await account.send(["to": "+18005550101"])["id"].string
            let id = try await account.client.get(Self.list).data.array.first {
                $0["contact"].string == Self.contact
            }?["id"].string
            let path = "/v1/message-threads/\(id ?? "")"

            let answer = try await account.client.delete(path)

            #expect(answer.status == 204)
            #expect(answer.body == [])
            #expect(try await account.client.get("/v1/messages/\(waiting)").status == 404)
            #expect(try await account.client.get("/v1/messages/\(kept)").status == 200)
            #expect(try await account.client.get(Self.list).data.array.map { $0["contact"] } == ["+18005550101"])
            #expect(try await account.client.delete(path).status == 404)
        }
    }

    @Test func everyRuleSaysWhatItWants() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let fetching = "validation errors while fetching message threads"
            let table: [(query: String, errors: [String: [String]])] = [
                (
                    "",
                    ["owner": ["The owner field is required", "The owner field \(Envelope.notAPhoneNumber)"]]
                ),
                ("?owner=12345", ["owner": ["The owner field \(Envelope.notAPhoneNumber)"]]),
                (
                    "?owner=%2B18005550199&is_archived=maybe",
                    ["is_archived": ["The is_archived field must be one of true, false"]]
                ),
                ("?owner=%2B18005550199&limit=-1", ["limit": ["The limit field must be numeric"]]),
            ]
            for row in table {
                let answer = try await account.client.get("/v1/message-threads\(row.query)")
                #expect(answer.status == 422, "\(row.query)")
                #expect(answer.json == Envelope.invalid(fetching, row.errors), "\(row.query)")
            }
            let updating = "validation errors while updating message thread"
            let nothing = try await account.client.put("/v1/message-threads/\(unknownID)", [:])
            #expect(
                nothing.json
                    == Envelope.invalid(updating, ["payload": ["at least one of is_archived or is_read is required"]]))
            let uuid = ["messageThreadID": ["The messageThreadID field must contain valid UUID"]]
            #expect(
                try await account.client.put("/v1/message-threads/x", ["is_read": true]).json
                    == Envelope.invalid(updating, uuid))
            #expect(
                try await account.client.delete("/v1/message-threads/x").json
                    == Envelope.invalid("validation errors while deleting a message thread", uuid))
        }
    }
}
