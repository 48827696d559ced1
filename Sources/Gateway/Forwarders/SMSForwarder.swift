import Delivery
import HTTPSMSWebhooks
import JSON
import Secrets
import Storage
import Timestamps

/// The id of a forwarder.
package typealias ForwarderID = ID<SMSForwarder>

/// An app that passes on what comes to a phone, and the hook that it calls.
package struct SMSForwarder: Sendable {
    /// Its id.
    package let id: ForwarderID
    let userID: UserID
    /// What its owner calls it.
    package let name: String
    /// Which app it is for.
    package let preset: ForwarderPreset
    /// The numbers of the phone, by SIM; at least one.
    package let numbers: [SIMNumber]
    /// Where the parts of an SMS are in a request; nil for the usual names.
    package let template: ForwarderTemplate?
    /// What the hook's path ends with: whoever knows it may report SMS of these numbers, and do nothing else.
    let token: Secret<String>
    /// When the hook was called last; nil before the first time.
    package let lastRequestAt: Timestamp?
    let createdAt: Timestamp

    /// As many as an account may have. Every app needs one, and a phone rarely has two.
    static let maximumCount = 100

    /// The first part of a token.
    static let tokenPrefix = "in_"

    /// The path of every hook without its token: the `source` of the events that they cause.
    static let source = "/v1/inbound"
}

/// Which app calls: this decides what its time means, and how its set-up is explained.
package enum ForwarderPreset: String, Sendable, CaseIterable, SQLEnum {
    case incomingSMSGateway = "incoming-sms-gateway"
    case smsForwarder = "smsforwarder"
    case tasker, macrodroid, gammu, generic

    /// The names of times that are those of the request and not of the SMS, so that a repetition has another one.
    ///
    /// SmsForwarder sets `timestamp` when it sends (its `WebhookUtils.kt`).
    var timesOfSending: Set<String> { self == .smsForwarder ? ["timestamp"] : [] }
}

/// A forwarder as the API shows it.
struct ForwarderView: Sendable, JSONWritable {
    let forwarder: SMSForwarder
    /// What the app is to call.
    let url: String
    /// The last requests, newest first; nil where they are not shown.
    var requests: [ForwardedRequest]?

    func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", forwarder.id.text)
            o.field("name", forwarder.name)
            o.field("preset", forwarder.preset.rawValue)
            o.field("numbers", forwarder.numbers)
            o.field("template", forwarder.template)
            o.field("url", url)
            o.field("last_request_at", forwarder.lastRequestAt)
            o.field("created_at", forwarder.createdAt)
            if let requests { o.field("requests", requests) }
        }
    }
}

/// `forwarder.numbers` holds SIM and number, one pair a line, `forwarder.template` the member and its pointer.
enum ForwarderMigrations {
    static let all: [Migration] = [
        Migration(
            "forwarders-1",
            [
                """
                CREATE TABLE forwarder (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    preset \(.text) NOT NULL,
                    numbers \(.text) NOT NULL,
                    template \(.text),
                    token_hash \(.blob) NOT NULL,
                    token \(.blob) NOT NULL,
                    last_request_at \(.int64),
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX forwarder_token ON forwarder (token_hash)",
                "CREATE INDEX forwarder_user ON forwarder (user_id, created_at, id)",
                """
                CREATE TABLE forwarder_request (
                    id \(.text) PRIMARY KEY,
                    forwarder_id \(.text) NOT NULL,
                    user_id \(.text) NOT NULL,
                    received_at \(.int64) NOT NULL,
                    method \(.text) NOT NULL,
                    content_type \(.text) NOT NULL,
                    query \(.text) NOT NULL,
                    body \(.text) NOT NULL,
                    status \(.int64) NOT NULL,
                    answer \(.text) NOT NULL,
                    message_id \(.text),
                    readings \(.text) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX forwarder_request_last ON forwarder_request (forwarder_id, id)",
                "CREATE INDEX forwarder_request_user ON forwarder_request (user_id, id)",
            ])
    ]
}
