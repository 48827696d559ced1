import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// The id of an access key.
package typealias AccessKeyID = ID<AccessKey>

/// A key of an account for one program: it may do what its scopes say, until it expires.
package struct AccessKey: Sendable {
    /// Its id.
    package let id: AccessKeyID
    /// What its owner calls it.
    package let name: String
    /// In alphabetical order; none for a key whose scopes were all taken away in the store.
    package let scopes: [KeyScope]
    /// Nil for a key that does not expire.
    package let expiresAt: Timestamp?
    /// To within some seconds; nil when it was never used.
    package let lastUsedAt: Timestamp?
    /// When it was made.
    package let createdAt: Timestamp

    /// What a request with the key may do.
    package struct Grant: Sendable {
        let id: AccessKeyID
        let scopes: Set<KeyScope>
        let expiresAt: Timestamp?

        /// Whether it is over.
        func isExpired(at now: Timestamp) -> Bool { expiresAt.map { $0 <= now } ?? false }
    }
}

extension AccessKey: RowDecodable {
    package init(row: Row) throws {
        self.init(
            id: try row.get("id"), name: try row.get("name"), scopes: Self.scopes(try row.get("scopes")),
            expiresAt: try row.find("expires_at"), lastUsedAt: try row.find("last_used_at"),
            createdAt: try row.get("created_at"))
    }

    /// The scopes as they are stored, by spaces. What no version wrote allows nothing.
    static func scopes(_ text: String) -> [KeyScope] {
        Set(text.split(separator: " ").compactMap { KeyScope(rawValue: String($0)) }).sorted()
    }
}

extension AccessKey: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in fields(&o) }
    }

    fileprivate func fields(_ o: inout JSONObjectWriter) {
        o.field("id", id.text)
        o.field("name", name)
        o.field("scopes", scopes.map(\.rawValue))
        o.field("expires_at", expiresAt)
        o.field("last_used_at", lastUsedAt)
        o.field("created_at", createdAt)
    }
}

/// A new key with its text, which is shown this once: the store has its digest only.
package struct FreshAccessKey: Sendable, JSONWritable {
    let key: AccessKey
    /// The key itself, which begins with `ak_`.
    package let text: String

    package func write(to json: inout JSONWriter) {
        json.object { o in
            key.fields(&o)
            o.field("api_key", text)
        }
    }
}

/// The table of access keys.
enum AccessKeyMigrations {
    static let all: [Migration] = [
        Migration(
            "access-keys-1",
            [
                """
                CREATE TABLE access_key (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    key_hash \(.blob) NOT NULL,
                    scopes \(.text) NOT NULL,
                    expires_at \(.int64),
                    last_used_at \(.int64),
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX access_key_hash ON access_key (key_hash)",
                "CREATE INDEX access_key_user ON access_key (user_id, created_at)",
            ])
    ]
}
