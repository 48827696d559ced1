import JSON
import NIOHTTP1
import Wire

/// What is wrong, and who is told.
extension ServerClient {
    /// What is wrong with the account now.
    package func alerts() async throws -> ClientOutput {
        struct RemoteAlert: Decodable {
            let cause: String
            let title: String
            let openedAt: String
            let toldAt: String?
        }
        let answer = try await call(.GET, "/v1/alerts")
        let alerts: [RemoteAlert] = try answer.decode()
        let rows = alerts.map { [$0.cause, $0.openedAt, $0.toldAt ?? "not yet", $0.title] }
        return ClientOutput(
            text: rows.isEmpty ? "Nothing is wrong." : TextTable(["CAUSE", "SINCE", "TOLD", "WHAT"], rows).text,
            json: answer.data)
    }

    /// The webhooks for alerts of the account.
    package func alertWebhooks() async throws -> ClientOutput {
        let answer = try await call(.GET, Self.alertWebhooks)
        let webhooks: [RemoteWebhook] = try answer.decode()
        let rows = webhooks.map {
            [$0.id, $0.status ?? "-", $0.payloadFormat ?? "-", Self.causes(of: $0), $0.url]
        }
        let none = """
            No webhooks for alerts. Create one with \
            `httpsms alert create --callback https://ntfy.sh/my-secret-topic --format ntfy`.
            """
        return ClientOutput(
            text: rows.isEmpty ? none : TextTable(["ID", "STATUS", "FORMAT", "TOLD OF", "URL"], rows).text,
            json: answer.data)
    }

    /// Makes a webhook for alerts, of all causes unless `change` names some. Numbers and filters mean nothing to it.
    package func createAlertWebhook(_ change: WebhookChange) async throws -> ClientOutput {
        try await alertWebhook(.POST, Self.alertWebhooks, change)
    }

    /// Changes what `change` names of a webhook for alerts.
    package func updateAlertWebhook(_ id: String, _ change: WebhookChange) async throws -> ClientOutput {
        guard !change.isEmpty else {
            throw ClientFailure(.usage, "name what is to change; `httpsms alert update --help` lists what there is")
        }
        return try await alertWebhook(.PUT, "\(Self.alertWebhooks)/\(id.percentEncoded)", change)
    }

    private func alertWebhook(
        _ method: HTTPMethod, _ path: String, _ change: WebhookChange
    ) async throws -> ClientOutput {
        let body = WebhookSettingsBody(
            url: change.url, signingKey: change.signingKey, events: change.events, phoneNumbers: nil, ordering: nil,
            payloadFormat: change.payloadFormat, payloadTemplate: change.payloadTemplate, headers: change.headers,
            basicUser: change.basicUser, basicPassword: change.basicPassword, plan: change.plan, filters: nil,
            trust: change.trust)
        let answer = try await call(method, path, body)
        let webhook: RemoteWebhook = try answer.decode()
        return ClientOutput(text: webhook.description(withKey: false), json: answer.data)
    }

    private static func causes(of webhook: RemoteWebhook) -> String {
        webhook.events == ["*"] ? "everything" : webhook.events.joined(separator: " ")
    }

    /// Deletes a webhook for alerts.
    package func deleteAlertWebhook(_ id: String) async throws -> ClientOutput {
        _ = try await exchange(.DELETE, "\(Self.alertWebhooks)/\(id.percentEncoded)")
        return ClientOutput(text: "The webhook for alerts was deleted.", json: [])
    }

    /// Sends a sample alert to a webhook for alerts, and waits for what becomes of it.
    package func testAlertWebhook(_ id: String) async throws -> ClientOutput {
        try await outcome(
            after: try await call(.POST, "\(Self.alertWebhooks)/\(id.percentEncoded)/test").decode())
    }

    /// The quiet hours of the account.
    package func quietHours() async throws -> ClientOutput {
        try quietHours(try await call(.GET, Self.alertSettings))
    }

    /// Sets the quiet hours, such as `22:00` to `07:00`; nil for both ends them.
    package func setQuietHours(from: String?, until: String?) async throws -> ClientOutput {
        struct Body: JSONWritable {
            let from: String?
            let until: String?

            func write(to json: inout JSONWriter) {
                json.object { o in
                    o.field("quiet_from", from)
                    o.field("quiet_until", until)
                }
            }
        }
        return try quietHours(try await call(.PUT, Self.alertSettings, Body(from: from, until: until)))
    }

    private func quietHours(_ answer: Answer) throws -> ClientOutput {
        struct RemoteSettings: Decodable {
            let quietFrom: String?
            let quietUntil: String?
        }
        let settings: RemoteSettings = try answer.decode()
        let text =
            if let from = settings.quietFrom, let until = settings.quietUntil {
                "Nothing is told from \(from) until \(until), in the time zone of the account."
            } else {
                "No quiet hours: alerts are told at any time."
            }
        return ClientOutput(text: text, json: answer.data)
    }

    /// Which alerts come by e-mail, after those that are named were switched on or off; nil leaves one as it is.
    package func alertMails(messages: Bool?, webhooks: Bool?, phones: Bool?) async throws -> ClientOutput {
        struct Switches: Decodable {
            let id: String
            let notificationMessageStatusEnabled: Bool
            let notificationWebhookEnabled: Bool
            let notificationHeartbeatEnabled: Bool
        }
        struct Body: JSONWritable {
            let messages: Bool?
            let webhooks: Bool?
            let phones: Bool?

            func write(to json: inout JSONWriter) {
                json.object { o in
                    o.field("message_status_enabled", messages)
                    o.field("webhook_enabled", webhooks)
                    o.field("heartbeat_enabled", phones)
                }
            }
        }
        var answer = try await call(.GET, "/v1/users/me")
        if messages != nil || webhooks != nil || phones != nil {
            let id = try answer.decode(Switches.self).id
            answer = try await call(
                .PUT, "/v1/users/\(id)/notifications", Body(messages: messages, webhooks: webhooks, phones: phones))
        }
        let switches: Switches = try answer.decode()
        // Not the user, who comes with the key of the account.
        var json = JSONWriter()
        json.object { o in
            o.field("messages", switches.notificationMessageStatusEnabled)
            o.field("webhooks", switches.notificationWebhookEnabled)
            o.field("phones", switches.notificationHeartbeatEnabled)
        }
        let word = { (isOn: Bool) in isOn ? "by e-mail" : "not by e-mail" }
        return ClientOutput(
            text: TextList([
                ("messages", word(switches.notificationMessageStatusEnabled)),
                ("webhooks", word(switches.notificationWebhookEnabled)),
                ("phones", word(switches.notificationHeartbeatEnabled)),
            ]).text, json: json.bytes)
    }

    private static let alertWebhooks = "/v1/alerts/webhooks"
    private static let alertSettings = "/v1/alerts/settings"
}
