import HTTPSMSWebhooks
import JSON

/// A webhook as a server shows it; httpSMS itself gives the first six members only.
struct RemoteWebhook: Decodable, Sendable {
    let id: String
    var url: String
    var signingKey: String?
    var events: [String]
    var phoneNumbers: [String]
    let createdAt: String
    var status: String?
    var statusReason: String?
    var ordering: String?
    var heldCount: Int?
    var lastSuccessAt: String?
    var lastFailureAt: String?
    var previousSigningKeyExpiresAt: String?
    var payloadFormat: String?
    var headers: [WebhookHeader]?
    var basicUser: String?
    var ratePerSecond: Double?
    var maxInFlight: Int?
    var timeoutSeconds: Int?
    var retryDelays: [Int]?
    var filters: WebhookFilters?
    var caCertificate: String?
    var clientCertificate: String?
    var allPhoneNumbers: Bool?
    var fallbackUrl: String?
    var fallbackAfterSeconds: Int?
    var fallbackSince: String?

    /// One row of a list.
    var row: [String] {
        [
            id, status ?? "-", url, events.count == EventType.allCases.count ? "all" : "\(events.count)",
            allPhoneNumbers == true ? "all" : "\(phoneNumbers.count)",
        ]
    }

    static let headings = ["ID", "STATUS", "URL", "EVENTS", "NUMBERS"]

    private var numbers: String? {
        if allPhoneNumbers == true { return "all, also those that come later" }
        return phoneNumbers.isEmpty ? nil : phoneNumbers.joined(separator: ", ")
    }

    private var fallback: String? {
        fallbackUrl.map { "\($0), after \(fallbackAfterSeconds ?? 0)s without the URL" }
    }

    private static func described(_ delays: [Int]) -> String {
        delays.isEmpty ? "none" : delays.map { "\($0)s" }.joined(separator: ", ")
    }

    /// Everything about it; the signing key only when it is asked for.
    func description(withKey: Bool) -> String {
        let names = (headers ?? []).map(\.name).joined(separator: ", ")
        let hasKey = !(signingKey ?? "").isEmpty
        return TextList([
            ("id", id), ("url", url), ("status", status), ("reason", statusReason),
            ("events", events.isEmpty ? nil : events.joined(separator: ", ")),
            ("phone numbers", numbers),
            ("format", payloadFormat),
            ("headers", names.isEmpty ? nil : names),
            ("basic user", basicUser), ("requests a second", ratePerSecond.map { "\($0)" }),
            ("requests under way", maxInFlight.map { "\($0)" }), ("timeout", timeoutSeconds.map { "\($0)s" }),
            ("retries after", retryDelays.map(Self.described)), ("fallback", fallback),
            ("fallback since", fallbackSince),
            ("only", filters.map(\.description)),
            ("trusts", caCertificate.map { _ in "authorities of its own" }),
            ("shows", clientCertificate.map { _ in "a client certificate" }), ("ordering", ordering),
            ("signing key", !hasKey ? "none" : withKey ? signingKey : "(hidden; use --json)"),
            ("old key until", previousSigningKeyExpiresAt), ("held", heldCount.flatMap { $0 > 0 ? "\($0)" : nil }),
            ("last success", lastSuccessAt), ("last failure", lastFailureAt), ("created", createdAt),
        ]).text
    }
}

/// What is asked of a webhook; nil leaves a setting as it is.
package struct WebhookChange: Sendable {
    /// The callback URL.
    package var url: String?
    /// The signing key; empty for none.
    package var signingKey: String?
    /// Types of events.
    package var events: [String]?
    /// Phone numbers of the account.
    package var phoneNumbers: [String]?
    /// All phone numbers, also those that come later; false leaves it to ``phoneNumbers``.
    package var allPhoneNumbers = false
    /// `none` or `message`.
    package var ordering: String?
    /// In which shape it gets events, such as `slack`.
    package var payloadFormat: String?
    /// What the format `template` needs.
    package var payloadTemplate: WebhookTemplate?
    /// All headers beside the server's own.
    package var headers: [WebhookHeader]?
    /// The user of Basic authorization; empty for none.
    package var basicUser: String?
    /// Its password.
    package var basicPassword: String?
    /// How fast and how patiently it is sent to.
    package var plan = WebhookPlan()
    /// Which events it gets; an inner nil is all of its types and numbers.
    package var filters: WebhookFilters??
    /// Certificates.
    package var trust = WebhookTrust()

    /// Asks for nothing yet.
    package init(
        url: String? = nil, signingKey: String? = nil, events: [String]? = nil, phoneNumbers: [String]? = nil,
        allPhoneNumbers: Bool = false, ordering: String? = nil, payloadFormat: String? = nil,
        payloadTemplate: WebhookTemplate? = nil,
        headers: [WebhookHeader]? = nil, basicUser: String? = nil, basicPassword: String? = nil,
        plan: WebhookPlan = WebhookPlan(), filters: WebhookFilters?? = nil,
        trust: WebhookTrust = WebhookTrust()
    ) {
        self.url = url
        self.signingKey = signingKey
        self.events = events
        self.phoneNumbers = phoneNumbers
        self.allPhoneNumbers = allPhoneNumbers
        self.ordering = ordering
        self.payloadFormat = payloadFormat
        self.payloadTemplate = payloadTemplate
        self.headers = headers
        self.basicUser = basicUser
        self.basicPassword = basicPassword
        self.plan = plan
        self.filters = filters
        self.trust = trust
    }

    /// Whether it asks for nothing.
    var isEmpty: Bool {
        url == nil && signingKey == nil && events == nil && phoneNumbers == nil && !allPhoneNumbers && ordering == nil
            && payloadFormat == nil && payloadTemplate == nil && headers == nil && basicUser == nil
            && basicPassword == nil && plan.isEmpty && filters == nil && trust.isEmpty
    }
}

/// The body of a creation or change: all of a webhook's settings, as httpSMS replaces the whole.
struct WebhookSettingsBody: JSONWritable {
    /// Left out when nil, as ``signingKey`` and ``events``: what is absent stays.
    let url: String?
    let signingKey: String?
    let events: [String]?
    /// Left out when nil: webhooks for alerts have none.
    let phoneNumbers: [String]?
    /// Left out when false.
    var allPhoneNumbers = false
    /// Left out when nil: httpSMS does not know it.
    let ordering: String?
    /// Left out when nil, as ``payloadTemplate``.
    let payloadFormat: String?
    let payloadTemplate: WebhookTemplate?
    let headers: [WebhookHeader]?
    let basicUser: String?
    let basicPassword: String?
    let plan: WebhookPlan
    let filters: WebhookFilters??
    let trust: WebhookTrust

    func write(to json: inout JSONWriter) {
        json.object { o in
            if let url { o.field("url", url) }
            if let signingKey { o.field("signing_key", signingKey) }
            if let events { o.field("events", events) }
            if let phoneNumbers { o.field("phone_numbers", phoneNumbers) }
            if allPhoneNumbers { o.field("all_phone_numbers", true) }
            if let ordering { o.field("ordering", ordering) }
            if let payloadFormat { o.field("payload_format", payloadFormat) }
            if let payloadTemplate { o.field("payload_template", payloadTemplate) }
            if let headers { o.field("headers", headers) }
            if let basicUser { o.field("basic_user", basicUser) }
            if let basicPassword { o.field("basic_password", basicPassword) }
            plan.write(to: &o)
            if let filters { o.field("filters", filters) }
            trust.write(to: &o)
        }
    }
}

/// What is asked of the pace of a webhook: nil leaves it, and an inner nil is what the server does by itself.
package struct WebhookPlan: Sendable {
    /// Requests a second.
    package var ratePerSecond: Double??
    /// Requests under way.
    package var maxInFlight: Int??
    /// Seconds for an answer.
    package var timeoutSeconds: Int??
    /// Seconds before each retry.
    package var retryDelays: [Int]??
    /// Where events go while the URL is out.
    package var fallbackURL: String??
    /// Seconds for which that must have been out.
    package var fallbackAfterSeconds: Int??

    /// Asks for nothing yet.
    package init() {}

    var isEmpty: Bool {
        ratePerSecond == nil && maxInFlight == nil && timeoutSeconds == nil && retryDelays == nil && fallbackURL == nil
            && fallbackAfterSeconds == nil
    }

    func write(to object: inout JSONObjectWriter) {
        if let ratePerSecond { object.field("rate_per_second", ratePerSecond) }
        if let maxInFlight { object.field("max_in_flight", maxInFlight) }
        if let timeoutSeconds { object.field("timeout_seconds", timeoutSeconds) }
        if let retryDelays { object.field("retry_delays", retryDelays) }
        if let fallbackURL { object.field("fallback_url", fallbackURL) }
        if let fallbackAfterSeconds { object.field("fallback_after_seconds", fallbackAfterSeconds) }
    }
}

/// A header of a webhook's requests. Servers do not tell the value.
package struct WebhookHeader: JSONWritable, Decodable {
    /// The name.
    package var name: String
    /// The value; nil keeps the one that there is.
    package var value: String?

    /// Names both.
    package init(name: String, value: String?) {
        self.name = name
        self.value = value
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("name", name)
            o.field("value", value)
        }
    }
}

/// A template of a webhook's body.
package struct WebhookTemplate: JSONWritable {
    /// `POST` or `PUT`.
    package var method: String
    /// The value of `Content-Type`.
    package var contentType: String
    /// Mustache.
    package var body: String

    /// Names all of it.
    package init(method: String, contentType: String, body: String) {
        self.method = method
        self.contentType = contentType
        self.body = body
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("method", method)
            o.field("content_type", contentType)
            o.field("body", body)
        }
    }
}
