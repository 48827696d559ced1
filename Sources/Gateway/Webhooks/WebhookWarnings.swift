import Delivery
import Foundation
import Secrets
import Wire

/// What a user should know of a webhook that was saved all the same.
package enum WebhookWarnings {
    /// Names that other senders of webhooks use, and ours.
    private static let meant = [
        "secret": "signing_key", "signing_secret": "signing_key", "key": "signing_key", "token": "signing_key",
        "callback": "url", "callback_url": "url", "target_url": "url", "endpoint": "url", "uri": "url",
        "event": "events", "event_types": "events", "types": "events", "topics": "events",
        "phone_number": "phone_numbers", "phones": "phone_numbers", "numbers": "phone_numbers",
        "owner": "phone_numbers", "owners": "phone_numbers", "order": "ordering",
        "header": "headers", "custom_headers": "headers", "http_headers": "headers", "username": "basic_user",
        "password": "basic_password", "format": "payload_format", "payload": "payload_format",
        "preset": "payload_format",
        "ca": "ca_certificate", "ca_file": "ca_certificate", "cert": "client_certificate",
        "certificate": "client_certificate",
        "private_key": "client_key", "cert_key": "client_key",
        "timeout": "timeout_seconds", "rate": "rate_per_second", "rate_limit": "rate_per_second",
        "concurrency": "max_in_flight", "retries": "retry_delays", "retry_schedule": "retry_delays",
        "filter": "filters", "contacts": "filters", "from": "filters",
        "template": "payload_template", "body": "payload_template", "body_template": "payload_template",
    ]

    /// More names than this are not listed, nor longer ones.
    private static let listed = (names: 10, scalars: 64)

    /// One warning for each member that means nothing; `names` as they are written in JSON.
    static func ofUnknown(_ names: [String]) -> [String] {
        let names = names.sorted()
        let warnings = names.prefix(listed.names).map { name in
            "The member [\(name.firstScalars(listed.scalars))] is not known and was ignored"
                + (meant[name].map { ": did you mean [\($0)]?" } ?? "")
        }
        return names.count <= listed.names
            ? warnings : warnings + ["\(names.count - listed.names) more members are not known and were ignored"]
    }

    /// What receivers will make of the webhook as it is stored.
    package static func of(_ endpoint: Endpoint) -> [String] {
        [shortKey(endpoint.signingKey?.exposed), unusedKey(endpoint), receiver(endpoint)].compactMap(\.self)
    }

    private static func unusedKey(_ endpoint: Endpoint) -> String? {
        guard endpoint.signingKey != nil, !endpoint.isSigned else { return nil }
        return """
            The signing_key is not used: \(endpoint.payloadFormat.name) reads the Authorization header as a token of its own, so that \
            requests in this format carry no signature
            """
    }

    /// RFC 7518, section 3.2: a key for HS256 has 32 bytes or more, and libraries exist that insist on it.
    private static func shortKey(_ key: String?) -> String? {
        guard let length = key?.utf8.count, length < 32 else { return nil }
        return """
            The signing_key has \(length) byte\(length == 1 ? "" : "s"). Several libraries, firebase/php-jwt 7, jjwt and \
            Microsoft.IdentityModel among them, refuse to verify with fewer than 32
            """
    }

    /// What is known of the service at the URL.
    private static func receiver(_ endpoint: Endpoint) -> String? {
        guard let url = try? CallbackURL(endpoint.url) else { return nil }
        switch KnownReceiver(host: url.host) {
        case .appsScript:
            return """
                Google Apps Script answers each request with a redirect after it ran: 302 and 303 from it count as \
                processed. It shows no header to the script, so that the script cannot check signatures
                """
        case .powerAutomate where endpoint.isSigned:
            return """
                Power Automate and Logic Apps refuse a request that carries an Authorization header beside the signature \
                in their URL: leave the signing_key empty
                """
        case .powerAutomate, nil:
            return nil
        }
    }
}
