import HTTPSMSWebhooks
import JSON
import NIOHTTP1
import Secrets
import Wire

extension ServerClient {
    /// All webhooks of the account.
    package func webhooks() async throws -> ClientOutput {
        let answer = try await listWebhooks()
        let webhooks: [RemoteWebhook] = try answer.decode()
        let text =
            webhooks.isEmpty
            ? "There is no webhook. Make one with `httpsms webhook create --callback https://example.com/hook`."
            : TextTable(RemoteWebhook.headings, webhooks.map(\.row)).text
        return ClientOutput(text: text, json: answer.data)
    }

    /// The URLs that messages named for their own events: at most the hundred newest.
    package func callbacks() async throws -> ClientOutput {
        struct RemoteCallback: Decodable {
            let id: String
            let url: String
            let status: String
            let heldCount: Int
            let lastSuccessAt: String?
            let lastFailureAt: String?
        }
        return try await list(
            "/v1/callbacks", limit: 100, empty: "No message named a URL of its own in the last days.",
            ["ID", "STATUS", "URL", "HELD", "LAST SUCCESS", "LAST FAILURE"]
        ) { (callback: RemoteCallback) in
            [
                callback.id, callback.status, callback.url, "\(callback.heldCount)", callback.lastSuccessAt ?? "-",
                callback.lastFailureAt ?? "-",
            ]
        }
    }

    /// Makes a webhook: for all events and all numbers of the account unless `change` names some, and with a signing key
    /// that is drawn unless it names one.
    package func createWebhook(_ change: WebhookChange) async throws -> ClientOutput {
        let numbers: [String]?
        if change.allPhoneNumbers {
            numbers = nil
        } else if let named = change.phoneNumbers {
            numbers = named
        } else {
            let all = try await phoneNumbers()
            guard !all.isEmpty else {
                throw ClientFailure(
                    .refused, "the account has no phone yet: connect one, or name its number with --phone-number")
            }
            numbers = all
        }
        let body = WebhookSettingsBody(
            url: change.url ?? "", signingKey: change.signingKey ?? SigningKey.random(),
            events: change.events ?? EventType.allCases.map(\.rawValue), phoneNumbers: numbers,
            allPhoneNumbers: change.allPhoneNumbers, ordering: change.ordering, payloadFormat: change.payloadFormat,
            payloadTemplate: change.payloadTemplate, headers: change.headers, basicUser: change.basicUser,
            basicPassword: change.basicPassword,
            plan: change.plan,
            filters: change.filters, trust: change.trust)
        return try await webhookOutput(try await call(.POST, "/v1/webhooks", body), withKey: true)
    }

    /// Changes what `change` names.
    package func updateWebhook(_ id: String, _ change: WebhookChange) async throws -> ClientOutput {
        guard !change.isEmpty else {
            throw ClientFailure(.usage, "name what is to change; `httpsms webhook update --help` lists what there is")
        }
        let old = try await webhook(id)
        let body = WebhookSettingsBody(
            url: change.url ?? old.url, signingKey: change.signingKey ?? old.signingKey ?? "",
            events: change.events ?? old.events,
            phoneNumbers: change.phoneNumbers
                ?? (change.allPhoneNumbers || old.allPhoneNumbers == true ? nil : old.phoneNumbers),
            allPhoneNumbers: change.allPhoneNumbers,
            ordering: change.ordering ?? old.ordering, payloadFormat: change.payloadFormat,
            payloadTemplate: change.payloadTemplate, headers: change.headers, basicUser: change.basicUser,
            basicPassword: change.basicPassword, plan: change.plan, filters: change.filters,
            trust: change.trust)
        return try await webhookOutput(try await call(.PUT, path(id), body))
    }

    /// What a webhook of this shape would send of the newest event of `type`, or of a sample.
    package func previewWebhook(
        format: String?, template: WebhookTemplate?, event type: String
    ) async throws -> ClientOutput {
        struct RemotePreview: Decodable {
            let method: String
            let contentType: String
            let body: String
            let isSample: Bool
        }
        let answer = try await call(
            .POST, "/v1/webhooks/preview", PreviewBody(format: format, template: template, event: type))
        let preview: RemotePreview = try answer.decode()
        let origin = preview.isSample ? "a sample" : "the newest event of its type"
        return ClientOutput(
            text: "\(preview.method), \(preview.contentType), made of \(origin):\n\(preview.body)", json: answer.data)
    }

    private struct PreviewBody: JSONWritable {
        let format: String?
        let template: WebhookTemplate?
        let event: String

        func write(to json: inout JSONWriter) {
            json.object { o in
                if let format { o.field("payload_format", format) }
                if let template { o.field("payload_template", template) }
                o.field("event", event)
            }
        }
    }

    /// Deletes a webhook; what waits for it is cancelled.
    package func deleteWebhook(_ id: String) async throws -> ClientOutput {
        let answer = try await call(.DELETE, path(id))
        return ClientOutput(text: answer.message, json: answer.data)
    }

    /// Holds what would be sent.
    package func pauseWebhook(_ id: String) async throws -> ClientOutput {
        try await webhookOutput(try await call(.POST, path(id) + "/pause"))
    }

    /// Sends what was held, `rate` a second or as fast as the receiver takes it.
    package func resumeWebhook(_ id: String, rate: Double?) async throws -> ClientOutput {
        try await webhookOutput(
            try await call(
                .POST, path(id) + "/resume", rate.map { RawJSON(Array(#"{"rate_per_second":\#($0)}"#.utf8)) }))
    }

    /// Replaces the signing key; the old one stays valid for `overlap`, a day when nil.
    package func rotateWebhook(_ id: String, signingKey: String?, overlap: Duration?) async throws -> ClientOutput {
        let body = Rotation(signingKey: signingKey, overlap: overlap)
        return try await webhookOutput(try await call(.POST, path(id) + "/rotate", body), withKey: true)
    }

    /// Ends the validity of the old signing key.
    package func finishRotation(_ id: String) async throws -> ClientOutput {
        try await webhookOutput(try await call(.POST, path(id) + "/rotate/finish"))
    }

    /// The webhook of that id, from the list, as httpSMS has no route for one.
    func webhook(_ id: String) async throws(ClientFailure) -> RemoteWebhook {
        let webhooks: [RemoteWebhook] = try await listWebhooks().decode()
        guard let webhook = webhooks.first(where: { $0.id == id.lowercased() }) else {
            throw ClientFailure(
                .notFound, "there is no webhook \(id); `httpsms webhook list` shows those that there are")
        }
        return webhook
    }

    func path(_ webhook: String) -> String { "/v1/webhooks/\(webhook.percentEncoded)" }

    /// An account has ten webhooks at most.
    func listWebhooks() async throws(ClientFailure) -> Answer {
        try await call(.GET, "/v1/webhooks", query: [("limit", "100")])
    }

    private func phoneNumbers() async throws(ClientFailure) -> [String] {
        struct RemotePhone: Decodable { let phoneNumber: String }
        let phones: [RemotePhone] = try await call(.GET, "/v1/phones", query: [("limit", "100")]).decode()
        return phones.map(\.phoneNumber).unique
    }

    private func webhookOutput(_ answer: Answer, withKey: Bool = false) async throws -> ClientOutput {
        let webhook: RemoteWebhook = try answer.decode()
        return ClientOutput(text: webhook.description(withKey: withKey), json: answer.data)
    }

    private struct Rotation: JSONWritable {
        let signingKey: String?
        let overlap: Duration?

        func write(to json: inout JSONWriter) {
            json.object { o in
                if let signingKey { o.field("signing_key", signingKey) }
                if let overlap { o.field("overlap_seconds", overlap.components.seconds) }
            }
        }
    }
}
