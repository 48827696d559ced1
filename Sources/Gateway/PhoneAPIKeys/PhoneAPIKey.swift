import Delivery
import HTTPSMSWebhooks
import JSON
import Secrets
import Storage
import Timestamps

/// The id of a phone's key.
package typealias PhoneAPIKeyID = ID<PhoneAPIKey>

/// A key that a phone uses: it may act only for the phones that are bound to it.
package struct PhoneAPIKey: Sendable {
    /// Its id.
    package let id: PhoneAPIKeyID
    /// What its owner calls it.
    package let name: String
    let userID: UserID
    let userEmail: String
    /// The numbers of the bound phones, in the order in which the phones were made.
    package let phoneNumbers: [String]
    /// Their ids, in the same order.
    package let phoneIDs: [PhoneID]
    /// The key itself, which begins with `pk_`.
    package let apiKey: Secret<String>
    /// When it was made.
    package let createdAt: Timestamp
    let updatedAt: Timestamp
}

extension PhoneAPIKey: JSONWritable {
    /// As httpSMS shows it.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("name", name)
            o.field("user_id", userID.text)
            o.field("user_email", userEmail)
            o.field("phone_numbers", phoneNumbers)
            o.field("phone_ids", phoneIDs.map(\.text))
            o.field("api_key", apiKey.exposed)
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
        }
    }
}

/// The tables of phone API keys. A phone is bound to one key at most.
enum PhoneAPIKeyMigrations {
    static let all: [Migration] = [
        Migration(
            "phone-api-keys-1",
            [
                """
                CREATE TABLE phone_api_key (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    api_key_hash \(.blob) NOT NULL,
                    api_key \(.blob) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX phone_api_key_hash ON phone_api_key (api_key_hash)",
                "CREATE INDEX phone_api_key_user ON phone_api_key (user_id, created_at)",
                """
                CREATE TABLE phone_api_key_phone (
                    phone_id \(.text) PRIMARY KEY,
                    phone_api_key_id \(.text) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX phone_api_key_phone_key ON phone_api_key_phone (phone_api_key_id)",
            ]),
        Migration("phone-api-keys-2", ["ALTER TABLE phone_api_key ADD COLUMN last_used_at \(.int64)"]),
    ]
}
