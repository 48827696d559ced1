import Delivery
import Foundation
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps
import Wire

/// The id of a contact.
package typealias ContactID = ID<Contact>

/// Somebody whom an account knows by name. Messages keep their numbers.
package struct Contact: Sendable {
    /// Its id.
    package let id: ContactID
    let userID: UserID
    /// What people read in place of its numbers.
    package var name: String
    /// In lower case.
    package var emails: [String]
    /// At least one, as the other parties of messages are stored. Contacts may share one.
    package var numbers: [String]
    /// Whatever else is to be kept of them.
    package var properties: [String: String]
    let createdAt: Timestamp
    var updatedAt: Timestamp

    init(id: ContactID, userID: UserID, _ draft: ContactDraft, at now: Timestamp) {
        self.id = id
        self.userID = userID
        (name, emails, numbers, properties) = (draft.name, draft.emails, draft.phoneNumbers, draft.properties)
        createdAt = now
        updatedAt = now
    }

    /// The property that holds what somebody noted of them.
    package static let noteProperty = "note"
    /// Of one account: more than anybody's address book has, and few enough to be counted with each creation.
    package static let mostOfAccount = 10_000
    /// Of one request, as in httpSMS.
    static let mostAtOnce = 1_000

    /// What somebody noted; empty when nobody did.
    package var note: String { properties[Self.noteProperty] ?? "" }

    /// Makes it what `draft` says.
    mutating func apply(_ draft: ContactDraft, at now: Timestamp) {
        (name, emails, numbers, properties) = (draft.name, draft.emails, draft.phoneNumbers, draft.properties)
        updatedAt = now
    }

    /// What searches look through.
    var searchText: String {
        ([name] + emails + numbers + [note]).map(FoldedText.of).joined(separator: SearchText.mark)
    }

    /// The properties as they are stored.
    var storedProperties: String {
        var json = JSONWriter()
        json.object { o in writeProperties(to: &o) }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private func writeProperties(to object: inout JSONObjectWriter) {
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) { object.field(named: name, value) }
    }
}

extension Contact: JSONWritable {
    /// The shape that httpSMS gives contacts (its branch `feature/contacts` at ef57f748, `entities/contact.go`).
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("user_id", userID.text)
            o.field("name", name)
            o.field("emails", emails)
            o.field("phone_numbers", numbers)
            o.object("properties") { o in writeProperties(to: &o) }
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
        }
    }
}

extension Contact: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        name = try row.get("name")
        emails = try row.get("emails", as: String.self).split(separator: "\n").map(String.init)
        numbers = try row.get("phone_numbers", as: String.self).split(separator: "\n").map(String.init)
        properties = try JSONDecoder().decode(
            [String: String].self, from: Data(row.get("properties", as: String.self).utf8))
        createdAt = try row.get("created_at")
        updatedAt = try row.get("updated_at")
    }
}

/// `contact.emails` and `contact.phone_numbers` hold one a line; `contact_number` has the numbers to find names by.
enum ContactMigrations {
    static let all: [Migration] = [
        Migration(
            "contacts-1",
            [
                """
                CREATE TABLE contact (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    emails \(.text) NOT NULL,
                    phone_numbers \(.text) NOT NULL,
                    properties \(.text) NOT NULL,
                    search_text \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX contact_updated ON contact (user_id, updated_at, id)",
            ]),
        Migration(
            "contacts-2",
            [
                """
                CREATE TABLE contact_number (
                    user_id \(.text) NOT NULL,
                    number \(.text) NOT NULL,
                    contact_id \(.text) NOT NULL,
                    PRIMARY KEY (user_id, number, contact_id)
                ) \(.keyed)
                """,
                "CREATE INDEX contact_number_contact ON contact_number (contact_id)",
            ]),
    ]
}
