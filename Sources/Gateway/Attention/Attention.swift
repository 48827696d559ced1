import Delivery
import JSON
import Storage
import Timestamps

/// What of an account needs somebody, as of now.
package struct Attention: Sendable {
    /// How many things need somebody.
    package let counts: Counts
    /// Those of ``Counts/messages``, the one that ended last first; at most ``shownMessages``.
    package let messages: [Message]
    /// Those of ``Counts/webhooks``, newest first.
    package let webhooks: [Webhook]
    /// Those of ``Counts/phones``.
    package let phones: [Phone]
    /// When the delivery was due that is late and has waited longest; nil when none is late.
    package let lateSince: Timestamp?

    /// How many things need somebody. The menu, the overview, the page and the API show these.
    package struct Counts: Sendable, Hashable {
        /// Outgoing SMS that failed or expired for good in the last 7 days, and that nobody has dealt with; at most 1,000.
        package var messages = 0
        /// Webhooks that were stopped by anybody but their owner, that fail, or whose deliveries were given up in the last 7
        /// days.
        package var webhooks = 0
        /// Phones that are offline, or that no message reaches.
        package var phones = 0
        /// 1 when deliveries to webhooks that work are a minute late or more, else 0.
        var late = 0

        /// All of them.
        package var total: Int { messages + webhooks + phones + late }
    }

    /// A webhook that needs somebody.
    package struct Webhook: Sendable {
        /// The webhook, and how it does.
        package let report: EndpointReport
        /// From when on its failures are asked about: since somebody dealt with it, and not for longer than ``age``.
        let after: Timestamp
        /// Why its deliveries fail, the reason with the most first.
        package let issues: [DeliveryIssue]
    }

    /// A phone that needs somebody.
    package struct Phone: Sendable {
        /// Its id.
        package let id: PhoneID
        /// Its number, in E.164.
        package let number: String
        /// How it is told of messages.
        package let reach: PhoneReach
        /// When it was heard last, where it is offline.
        package let silentSince: Timestamp?
        /// Whether nothing tells it of a message.
        package let isUnreached: Bool
    }

    /// What is older is not asked about any more.
    static let age: Duration = .seconds(7 * 86_400)
    /// As many as a page shows.
    static let shownMessages = 50
    /// A delivery that is due for longer is late.
    static let patience: Duration = .seconds(60)
}

extension Attention: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("count", counts.total)
            o.field("message_count", counts.messages)
            o.array("messages", of: messages) { json, message in message.write(to: &json) }
            o.array("webhooks", of: webhooks) { json, webhook in
                json.object { o in
                    o.field("webhook_id", webhook.report.endpoint.id.text)
                    o.field("url", webhook.report.endpoint.url)
                    o.field("status", "\(webhook.report.endpoint.status)")
                    o.field("status_reason", webhook.report.endpoint.statusReason)
                    o.field("failing_since", webhook.report.failingSince)
                    o.field("open_count", webhook.report.openCount)
                    o.array("issues", of: webhook.issues) { json, issue in
                        json.object { o in
                            o.field("error", issue.code)
                            o.field("status_code", issue.statusCode)
                            o.field("failed_count", issue.failed)
                            o.field("retried_count", issue.retried)
                            o.field("since", issue.since)
                            o.field("until", issue.until)
                        }
                    }
                }
            }
            o.array("phones", of: phones) { json, phone in
                json.object { o in
                    o.field("phone_number", phone.number)
                    o.field("silent_since", phone.silentSince)
                    o.field("unreached_reason", phone.isUnreached ? phone.reach.sentence : nil)
                }
            }
            o.field("deliveries_late_since", lateSince)
        }
    }
}

/// What was dealt with: `subject` is a message or a webhook, and what happened to it until `done_at` is asked about no more.
enum AttentionMigrations {
    static let all: [Migration] = [
        Migration(
            "attention-1",
            [
                """
                CREATE TABLE attention_done (
                    user_id \(.text) NOT NULL,
                    subject \(.text) NOT NULL,
                    done_at \(.int64) NOT NULL,
                    PRIMARY KEY (user_id, subject)
                ) \(.strict)
                """,
                "CREATE INDEX attention_done_age ON attention_done (done_at)",
            ],
            indexes: [
                TableIndex(
                    "message_unsent", on: "message",
                    "(user_id, order_timestamp, id) WHERE status IN ('failed', 'expired') AND planned_at IS NULL"),
                // What was sent is told from all by this: to read the status of each is four times as slow.
                TableIndex(
                    "message_not_sent", on: "message",
                    "(user_id, created_at) WHERE status IN ('pending', 'scheduled', 'sending', 'failed', 'expired')"),
            ])
    ]
}
