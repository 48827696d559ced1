import TestSupport
import Testing

/// `GET /v1/event-types`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct EventTypesTests {
    @Test func theCatalogueHasAllEightWithTheSamplesOfTheFixtures() async throws {
        try await withWebhookServer { server, account, _, _ in
            let answer = try await account.client.get("/v1/event-types")

            #expect(answer.status == 200)
            #expect(answer.message == "fetched 8 event types")
            #expect(answer.data.array.map { $0["type"].string } == Account.allEvents)
            for event in answer.data.array {
                let file = try SampleFile(event["type"].string)
                #expect(answer.text.contains("\"sample\":\(String(decoding: file.bytes, as: UTF8.self))}"))
                #expect(!event["description"].string.isEmpty)
            }
            #expect(try await server.client.get("/v1/event-types").status == 401)
        }
    }

    @Test func eachSchemaTakesItsOwnSampleOnly() async throws {
        try await withWebhookServer { _, account, _, _ in
            let events = try await account.client.get("/v1/event-types").data.array
            for event in events {
                // Each member of the data is required.
                let incomplete = event["sample"]["data"].object.keys.map { name in
                    event["sample"].with(["data": event["sample"]["data"].with([name: .absent])])
                }

                let judged = try await Python.ask(
                    "json_schema", "verdicts",
                    ["schema": event["schema"], "documents": .array(events.map { $0["sample"] } + incomplete)])

                let expected = events.map { $0 == event } + incomplete.map { _ in false }
                #expect(!incomplete.isEmpty)
                #expect(judged == .accepted(.array(expected.map { .bool($0) })), "\(event["type"])")
            }
        }
    }

    @Test func whatIsReallySentFitsItsSchema() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            try await account.makeWebhook(receiver.url())
            let events = try await account.client.get("/v1/event-types").data.array
            try await account.receive("Hello", on: phone)
            let message = try await account.send()["id"].string
            _ = try await phone.fetch(message)
            for event in ["SENT", "DELIVERED"] {
                _ = try await phone.report(event, message, ["timestamp": "2026-07-22T10:15:29.814Z"])
            }

            for request in try await receiver.requests(3) {
                let event = try #require(events.first { $0["type"].string == request.eventType })
                let judged = try await Python.ask(
                    "json_schema", "validate", ["schema": event["schema"], "document": request.json])
                #expect(judged == .accepted(true), "\(request.text)")
            }
        }
    }
}
