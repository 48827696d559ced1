import Delivery
import HTTPSMSWebhooks
import JSON
import Secrets
import Storage
import Wire

extension EndpointReport {
    /// What `identity` is shown: the signing key is for those who may change it.
    func shown(to identity: Identity) -> EndpointReport { identity.covers(.manageWebhooks) ? self : withoutKey() }
}

extension EndpointReport: JSONWritable {
    /// A webhook in the shape of httpSMS, then what is ours; keys are shown in clear, as clients expect (K12).
    package func write(to json: inout JSONWriter) {
        write(to: &json, events: endpoint.eventTypes.map(\.rawValue))
    }

    /// The same with what it hears of in other words.
    func write(to json: inout JSONWriter, events: [String]) {
        json.object { o in
            o.field("id", endpoint.id.text)
            o.field("user_id", endpoint.userID.account.text)
            o.field("url", endpoint.url)
            o.field("signing_key", endpoint.signingKey?.exposed ?? "")
            o.field("phone_numbers", endpoint.hearsEveryOwner ? [] : endpoint.owners)
            o.field("events", events)
            o.field("created_at", endpoint.createdAt)
            o.field("updated_at", endpoint.updatedAt)
            o.field("status", "\(endpoint.status)")
            o.field("status_reason", endpoint.statusReason)
            o.field("ordering", "\(endpoint.ordering)")
            o.field("held_count", heldCount)
            o.field("last_success_at", lastSuccessAt)
            o.field("last_failure_at", lastFailureAt)
            o.field("previous_signing_key_expires_at", endpoint.previousSigningKey?.expiresAt)
            o.array("headers", of: endpoint.headers.fields) { json, field in
                // As a body has them that keeps the value.
                json.object { o in
                    o.field("name", field.name)
                    o.null("value")
                }
            }
            o.field("basic_user", endpoint.headers.basic?.user)
            o.field("payload_format", endpoint.payloadFormat.name)
            o.field("payload_template", endpoint.payloadFormat.template)
            endpoint.plan.write(to: &o)
            o.field("fallback_since", fallbackSince)
            o.field("filters", endpoint.filter.isEmpty ? nil : endpoint.filter)
            o.field("ca_certificate", endpoint.trust.authorities)
            o.field("client_certificate", endpoint.trust.certificate)
            // As a body has it that keeps the key.
            o.null("client_key")
            o.field("all_phone_numbers", endpoint.hearsEveryOwner)
        }
    }
}

extension Endpoint {
    /// Why a webhook is stopped that its owner stopped.
    static let pausedByOwner = "paused by its owner"
}

extension Refusal {
    /// There is no such webhook, whatever it hears of.
    static func noWebhook(_ id: EndpointID) -> Refusal { .absent("cannot find webhook with ID [\(id)]") }
}

/// The body of `POST` and `PUT /v1/webhooks`. On an update what is absent stays, and a null signing key clears it.
package struct WebhookUpdate: Decodable, Sendable {
    private let url: Patch<String>
    private let signingKey: Patch<String>
    /// What it hears of.
    let events: Patch<[String]>
    private let phoneNumbers: Patch<[String]>
    private let allPhoneNumbers: Patch<Bool>
    private let ordering: Patch<String>
    private let payload: PayloadUpdate
    private let headers: HeaderUpdate
    private let plan: PlanUpdate
    private let filter: FilterUpdate
    private let trust: TrustUpdate
    /// What stands in the body and means nothing, in the names of JSON.
    private let unknownMembers: [String]
    /// What the body says of a member that only the actions change; nil when it says nothing.
    private let status: String?

    private enum Member: String, CodingKey {
        case url, signingKey, events, phoneNumbers, allPhoneNumbers, ordering
        // Shown by us, so sent back to us by who reads, changes and writes.
        case id, userID, createdAt, updatedAt, status, statusReason, heldCount, lastSuccessAt, lastFailureAt
        case previousSigningKeyExpiresAt, fallbackSince
    }

    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        url = try members.patch(forKey: .url)
        signingKey = try members.patch(forKey: .signingKey)
        events = try members.patch(forKey: .events)
        phoneNumbers = try members.patch(forKey: .phoneNumbers)
        allPhoneNumbers = try members.patch(forKey: .allPhoneNumbers)
        ordering = try members.patch(forKey: .ordering)
        payload = try PayloadUpdate(from: decoder)
        headers = try HeaderUpdate(from: decoder)
        plan = try PlanUpdate(from: decoder)
        filter = try FilterUpdate(from: decoder)
        trust = try TrustUpdate(from: decoder)
        status = try? members.decode(String.self, forKey: .status)
        unknownMembers = try decoder.container(keyedBy: MemberName.self).allKeys
            .filter { !Self.isKnown($0.stringValue) }.map { MemberName.wire($0.stringValue) }
    }

    private static func isKnown(_ name: String) -> Bool {
        Member(rawValue: name) != nil || PayloadUpdate.Member(rawValue: name) != nil
            || HeaderUpdate.Member(rawValue: name) != nil || PlanUpdate.Member(rawValue: name) != nil
            || FilterUpdate.Member(rawValue: name) != nil || TrustUpdate.Member(rawValue: name) != nil
    }

    /// What a form says, which names everything; a signing key that is nil stays.
    package init(
        url: String, signingKey: String?, events: [String], phoneNumbers: [String], allPhoneNumbers: Bool = false,
        ordering: String, payload: PayloadUpdate, headers: HeaderUpdate, plan: PlanUpdate, filter: FilterUpdate,
        trust: TrustUpdate
    ) {
        self.url = .value(url)
        self.signingKey = signingKey.map { .value($0) } ?? .absent
        self.events = .value(events)
        self.phoneNumbers = .value(phoneNumbers)
        self.allPhoneNumbers = .value(allPhoneNumbers)
        self.ordering = .value(ordering)
        self.payload = payload
        self.headers = headers
        self.plan = plan
        self.filter = filter
        self.trust = trust
        unknownMembers = []
        status = nil
    }

    /// What the user should know of the webhook that this body made: `stored`.
    func warnings(_ stored: Endpoint) -> [String] {
        let unmoved = status.flatMap { status in
            status == "\(stored.status)"
                ? nil : "The member [status] was ignored: pause and resume are actions of their own"
        }
        return WebhookWarnings.ofUnknown(unknownMembers) + [unmoved].compactMap(\.self) + WebhookWarnings.of(stored)
    }

    /// Tries httpSMS's rules on what `current`, nil for a new webhook, becomes.
    ///
    /// - Parameters:
    ///   - current: What there is; nil for a new webhook.
    ///   - message: What a refusal says.
    ///   - isForAlerts: Whether it hears of alerts, which have no phone number and no order, and not of events.
    ///   - found: What else breaks a rule.
    /// - Returns: All of it.
    /// - Throws: ``Refusal`` `.invalid` with `message`.
    func settings(
        over current: Endpoint?, message: String, isForAlerts: Bool = false, besides found: FieldErrors = FieldErrors()
    ) throws(Refusal) -> Settings {
        var errors = found
        let url = Self.withScheme(self.url.applied(to: current?.url) ?? "")
        let callback = Self.callback("url", url, &errors)
        if let given = signingKey.value, !given.isEmpty { errors.requireSigningKey("signing_key", given) }
        let key = (signingKey.applied(to: current?.signingKey?.exposed) ?? "").trimmed
        let types =
            isForAlerts ? [] : Self.types(events.applied(to: current?.eventTypes.map(\.rawValue)) ?? [], &errors)
        let numbers = isForAlerts ? [] : numbers(over: current, &errors)
        let order = ordering.applied(to: current.map { "\($0.ordering)" }) ?? "none"
        errors.requireOne("ordering", order, of: ["none", "message"])
        let format = payload.format(over: current?.payloadFormat, types: types, &errors)
        let headers = headers.headers(
            over: current?.headers ?? EndpointHeaders.none, isSigned: !key.isEmpty && format.isSigned, &errors)
        let plan = plan.plan(over: current?.plan ?? .documented, &errors)
        let fallback = plan.fallback.flatMap { Self.callback("fallback_url", $0.url, &errors) }
        let filter = filter.filter(over: current?.filter ?? EventFilter(), &errors)
        let trust = trust.trust(over: current?.trust ?? .system, &errors)
        if let callback { format.check(callback, "url", &errors) }
        if let fallback { format.check(fallback, "fallback_url", &errors) }
        try errors.check(message)
        guard let callback else { throw Refusal(.invalid, message) }
        return Settings(
            callback: callback, url: url, signingKey: key.isEmpty ? nil : Secret(key),
            setsSigningKey: !signingKey.isAbsent, eventTypes: types,
            phoneNumbers: numbers, ordering: order == "message" && !isForAlerts ? .message : .none,
            payloadFormat: format,
            headers: headers, setsHeaders: !self.headers.headers.isAbsent, plan: plan, fallback: fallback,
            filter: filter, trust: trust,
            setsClientKey: self.trust.setsKey(trust))
    }

    /// The numbers that `current` has then. A list that names some is those; an empty one stays refused, unless it is the one that
    /// is shown of a webhook that has all.
    private func numbers(over current: Endpoint?, _ errors: inout FieldErrors) -> [String] {
        let hadAll = current?.hearsEveryOwner ?? false
        let named = phoneNumbers.applied(to: hadAll ? [] : current?.owners) ?? []
        if allPhoneNumbers.value ?? (hadAll && named.isEmpty && allPhoneNumbers.isAbsent) {
            if !phoneNumbers.isAbsent, !named.isEmpty {
                errors.add(
                    "phone_numbers",
                    "The phone_numbers field must be empty or left out where all_phone_numbers is true")
            }
            return [Endpoint.everyOwner]
        }
        let numbers = named.map(PhoneNumber.address).unique
        errors.require("phone_numbers", numbers)
        if let index = numbers.firstIndex(where: { !PhoneNumber.isContact($0) }) {
            errors.add(
                "phone_numbers",
                "The phone_numbers field in index [\(index)] must contain only digits and must be less than 14 characters"
            )
        }
        errors.requireCount("phone_numbers", numbers, max: 1_000)
        return numbers
    }

    /// As in httpSMS, a URL without a scheme gets `https://`.
    static func withScheme(_ text: String) -> String {
        let text = text.trimmed
        let scheme = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        return text.dropFirst(scheme.count).hasPrefix("://") ? text : "https://" + text
    }

    private static func callback(_ field: String, _ url: String, _ errors: inout FieldErrors) -> CallbackURL? {
        do {
            return try CallbackURL(url)
        } catch .tooLong {
            errors.add(field, "The \(field) field must be maximum \(CallbackURL.maximumLength) char")
        } catch {
            errors.add(field, "The \(field) field format is invalid")
            errors.add(field, "\(error)")
        }
        return nil
    }

    private static func types(_ names: [String], _ errors: inout FieldErrors) -> [EventType] {
        let names = names == ["*"] ? EventType.allCases.map(\.rawValue) : names.unique
        errors.require("events", names)
        if names.isEmpty { errors.add("events", "The events field is an empty array") }
        let types = names.compactMap(EventType.init(rawValue:))
        if types.count < names.count, let unknown = names.first(where: { EventType(rawValue: $0) == nil }) {
            errors.add("events", "The events field has an invalid event with name [\(unknown)]")
        }
        return types
    }
}
