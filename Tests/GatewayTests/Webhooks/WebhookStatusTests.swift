import TestSupport
import Testing

/// `GET /v1/webhooks/{webhookID}`, and what webhooks tell about themselves.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookStatusTests {
    @Test func aNewWebhookHasEveryField() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let made = try await account.makeWebhook(receiver.url())

            let answer = try await account.client.get("/v1/webhooks/\(made["id"].string)")

            #expect(answer.status == 200)
            #expect(answer.message == "webhook fetched successfully")
            #expect(
                answer.data == [
                    "id": made["id"], "user_id": .string(account.id), "url": .string(receiver.url()),
                    "signing_key": "signing-key", "phone_numbers": [.string(phoneNumber)],
                    "events": .array(Account.allEvents.map(JSON.string)), "created_at": made["created_at"],
                    "updated_at": made["updated_at"], "status": "active", "status_reason": nil, "ordering": "none",
                    "held_count": 0, "last_success_at": nil, "last_failure_at": nil,
                    "previous_signing_key_expires_at": nil, "payload_format": "cloudevents", "payload_template": nil,
                    "headers": [], "basic_user": nil, "rate_per_second": nil, "max_in_flight": nil,
                    "timeout_seconds": nil, "retry_delays": nil, "fallback_url": nil, "fallback_after_seconds": nil,
                    "fallback_since": nil, "filters": nil, "ca_certificate": nil,
                    "client_certificate": nil, "client_key": nil, "all_phone_numbers": false,
                ])
            #expect(made == answer.data)
            #expect(try await account.client.get("/v1/webhooks").data == [answer.data])
        }
    }

    @Test func theTimesOfTheLastSuccessAndFailureAreKept() async throws {
        try await withWebhookServer { request, _ in
            .status(request.content == "bad" ? 400 : 200)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())

            try await account.receive("good", on: phone)
            try await account.newest(webhook, is: "succeeded")
            let afterSuccess = try await account.webhook(webhook)
            try await account.receive("bad", on: phone)
            try await account.newest(webhook, is: "failed")
            let afterFailure = try await account.webhook(webhook)

            #expect(!afterSuccess["last_success_at"].string.isEmpty)
            #expect(afterSuccess["last_failure_at"] == nil)
            #expect(afterFailure["last_success_at"] == afterSuccess["last_success_at"])
            #expect(afterFailure["last_failure_at"].string > afterSuccess["last_success_at"].string)
        }
    }

    @Test func orderingIsSetOnCreateAndUpdate() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            let path = "/v1/webhooks/\(webhook["id"].string)"

            let ordered = try await account.client.put(path, ["ordering": "message"])
            let kept = try await account.client.put(path, [:])
            let refused = try await account.client.put(path, ["ordering": "global"])

            #expect(ordered.data["ordering"] == "message")
            #expect(kept.data["ordering"] == "message")
            #expect(refused.status == 422)
            #expect(refused.data == ["ordering": ["The ordering field must be one of none, message"]])
        }
    }

    @Test func anUnknownAForeignAndAMalformedIDAreToldApart() async throws {
        try await withWebhookServer { server, account, _, receiver in
            let stranger = try await server.makeAccount()
            let webhook = try await account.makeWebhook(receiver.url())["id"].string

            let unknown = try await account.client.get("/v1/webhooks/\(unknownID)")
            let foreign = try await stranger.client.get("/v1/webhooks/\(webhook)")
            let malformed = try await account.client.get("/v1/webhooks/abc")
            let anonymous = try await server.client.get("/v1/webhooks/\(webhook)")

            #expect(unknown.status == 404)
            #expect(unknown.json == Envelope.error("cannot find webhook with ID [\(unknownID)]"))
            #expect(foreign.status == 404)
            #expect(malformed.status == 422)
            #expect(malformed.data == ["webhookID": ["The webhookID field must contain valid UUID"]])
            #expect(anonymous.status == 401)
        }
    }

    /// Every action on a webhook of somebody else, or of nobody.
    @Test(
        arguments: [
            ("POST", "test"), ("POST", "pause"), ("POST", "resume"), ("POST", "rotate"), ("POST", "rotate/finish"),
            ("GET", "deliveries"),
        ]) func anActionOnAForeignWebhookIsA404(method: String, action: String) async throws
    {
        try await withWebhookServer { server, account, _, receiver in
            let stranger = try await server.makeAccount()
            let webhook = try await account.makeWebhook(receiver.url())

            for id in [webhook["id"].string, unknownID] {
                let answer = try await stranger.client.send(method, "/v1/webhooks/\(id)/\(action)")

                #expect(answer.status == 404, "\(answer)")
                #expect(answer.message == "cannot find webhook with ID [\(id)]")
            }
            #expect(try await stranger.client.send(method, "/v1/webhooks/abc/\(action)").status == 422)
            #expect(try await account.webhook(webhook) == webhook)
        }
    }
}
