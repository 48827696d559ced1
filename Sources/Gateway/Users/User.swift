import Delivery
import HTTPSMSWebhooks
import JSON
import Secrets
import Storage
import Timestamps

/// An account: everything else belongs to one.
package struct User: Sendable {
    /// Its id.
    package let id: UserID
    /// Its e-mail address, in lower case.
    package let email: String
    /// Its API key.
    package private(set) var apiKey: Secret<String>
    /// An IANA name.
    package var timezone: String
    /// What the web interface shows first.
    var activePhoneID: PhoneID?
    /// Whether mail tells of SMS that fail.
    package var notificationMessageStatusEnabled: Bool
    /// Whether mail tells of webhooks that fail.
    package var notificationWebhookEnabled: Bool
    /// Whether mail tells of phones that are offline.
    package var notificationHeartbeatEnabled: Bool
    var notificationNewsletterEnabled: Bool
    let createdAt: Timestamp
    var updatedAt: Timestamp
}

extension User {
    /// What an access key is shown: everything but the account's own key.
    func withoutKey() -> User {
        var user = self
        user.apiKey = Secret("")
        return user
    }
}

extension User: JSONWritable {
    /// As httpSMS shows it. There is no billing: the subscription fields are those of a plan without limits.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("email", email)
            o.field("api_key", apiKey.exposed)
            o.field("timezone", timezone)
            o.field("active_phone_id", activePhoneID?.text)
            o.field("subscription_name", "pro-lifetime")
            o.null("subscription_id")
            o.null("subscription_status")
            o.null("subscription_renews_at")
            o.null("subscription_ends_at")
            o.field("notification_message_status_enabled", notificationMessageStatusEnabled)
            o.field("notification_webhook_enabled", notificationWebhookEnabled)
            o.field("notification_heartbeat_enabled", notificationHeartbeatEnabled)
            o.field("notification_newsletter_enabled", notificationNewsletterEnabled)
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
        }
    }
}
