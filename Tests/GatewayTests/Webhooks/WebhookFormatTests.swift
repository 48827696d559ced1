import TestSupport
import Testing

/// Webhooks with a format of their own, from the form of the body to what arrives.
@Suite(.timeLimit(.minutes(15))) struct WebhookFormatTests {
    @Test func whatIsSentIsWhatIsPreviewedShownAndSentAgain() async throws {
        try await withWebhookServer { request, _ in
            .status(request.header("X-Httpsms-Attempt") == "1" ? 400 : 200)
        } body: { _, account, phone, receiver in
            let template: JSON = [
                "method": "PUT", "content_type": "application/json", "body": #"{"t":"{{data.content}}"}"#,
            ]
            let webhook = try await account.makeWebhook(
                receiver.url(), ["payload_format": "template", "payload_template": template])
            #expect(webhook["payload_format"] == "template" && webhook["payload_template"] == template)

            try await account.receive("say \"hi\"", on: phone)
            let id = try await account.newest(webhook, is: "failed")["id"].string
            _ = try await account.client.send("POST", "/v1/deliveries/\(id)/retry")
            let delivery = try await account.delivery(id, is: "succeeded")
            let preview = try await account.client.post(
                "/v1/webhooks/preview", ["payload_format": "template", "payload_template": template])

            let body = #"{"t":"say \"hi\""}"#
            let requests = try await receiver.requests(2)
            #expect(requests.map(\.text) == [body, body])
            #expect(requests.allSatisfy { $0.method == "PUT" })
            #expect(delivery["request_body"] == .string(body) && delivery["request_method"] == "PUT")
            #expect(delivery["event"]["data"]["content"] == "say \"hi\"")
            #expect(
                preview.status == 200 && preview.data["body"] == .string(body) && preview.data["is_sample"] == false)
        }
    }

    @Test func aFormatIsKeptUntilItIsChanged() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), ["payload_format": "slack"])
            let path = "/v1/webhooks/\(webhook["id"].string)"

            let kept = try await account.client.put(path, ["ordering": "message"])
            try await account.receive("<!channel> hello", on: phone)
            try await account.newest(webhook, is: "succeeded")
            let back = try await account.client.put(path, ["payload_format": nil])

            #expect(kept.data["payload_format"] == "slack")
            let request = try #require(try await receiver.requests(1).first)
            #expect(request.json["text"].string.hasSuffix("\n&lt;!channel&gt; hello"))
            #expect(request.header("Authorization") == nil && request.header("webhook-signature") == nil)
            #expect(back.data["payload_format"] == "cloudevents")
        }
    }

    @Test func whatCannotBeUsedIsRefusedAtItsField() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let template: (JSON) -> JSON = { ["payload_format": "template", "payload_template": $0] }
            let cases: [(JSON, field: String)] = [
                (["payload_format": "sms"], "payload_format"), (["payload_format": "template"], "payload_template"),
                (["payload_format": "slack", "payload_template": ["body": "x"]], "payload_template"),
                (template(["body": "{{#data}}", "content_type": "text/plain"]), "payload_template"),
                (template(["body": "{{{data.content}}}"]), "payload_template"),
                (template(["body": "{{data.content.text}}", "content_type": "text/plain"]), "payload_template"),
                (template(["body": "{{.}}", "content_type": "text/plain"]), "payload_template"),
                (template(["body": "x", "method": "GET"]), "payload_template"),
                (template(["body": "x", "content_type": "text/plain\r\nX-A: 1"]), "payload_template"),
                (template(["body": "x", "content_type": "text"]), "payload_template"),
                (["payload_format": "telegram"], "url"), (["payload_format": "matrix"], "url"),
            ]
            for (settings, field) in cases {
                let answer = try await account.client.post(
                    "/v1/webhooks", account.webhookSettings(receiver.url(), settings))

                #expect(answer.status == 422 && !answer.data[field].array.isEmpty, "\(settings) \(answer)")
            }
        }
    }
}
