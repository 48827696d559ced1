import Delivery
import Storage
import Timestamps

/// Reads and writes contacts.
package enum ContactQueries {
    /// The contacts of `userID` whose name, e-mail address, number or note contains `page.query`. The last that was
    /// changed comes first. Index: `contact_updated`.
    package static func list(
        userID: UserID, page: Page, in tx: any Transaction
    ) throws -> [Contact] {
        try tx.all(
            Contact.self,
            """
            SELECT *
            FROM contact
            WHERE \(found(page.query, userID: userID, in: tx))
            ORDER BY updated_at DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// How many a list has in all. Index: `contact_updated`.
    static func count(userID: UserID, query: String, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM contact WHERE \(found(query, userID: userID, in: tx))") ?? 0
    }

    private static func found(_ text: String, userID: UserID, in tx: any Transaction) throws -> SQL {
        let query = try SearchQuery(text) { try PhoneQueries.numbers(of: userID, in: tx) }
        let account: SQL = "user_id = \(userID)"
        if query.isEmpty { return account }
        return account + "AND (\(query.condition(folded: "search_text", number: "phone_numbers")))"
    }

    /// The contact `id` of `userID`.
    static func look(_ id: ContactID, userID: UserID, in tx: any Transaction) throws -> Contact? {
        try tx.first(Contact.self, "SELECT * FROM contact WHERE id = \(id) AND user_id = \(userID)")
    }

    /// The contact whose name stands at `number`; nil when `userID` has none. Index: the primary key of `contact_number`.
    package static func id(of number: String, userID: UserID, in tx: any Transaction) throws -> ContactID? {
        try tx.value(
            """
            SELECT contact_id AS value
            FROM contact_number
            WHERE user_id = \(userID) AND number = \(number)
            ORDER BY contact_id DESC
            LIMIT 1
            """)
    }

    /// The same contact. One that cannot be read is as good as none.
    static func known(at number: String, userID: UserID, in tx: any Transaction) throws -> Contact? {
        try tx.all(
            Contact.self,
            """
            SELECT c.*
            FROM contact_number n
            JOIN contact c ON c.id = n.contact_id
            WHERE n.user_id = \(userID) AND n.number = \(number)
            ORDER BY n.contact_id DESC
            LIMIT 1
            """
        ).first
    }

    /// Which of `ids` are contacts of `userID`. Index: the primary key.
    static func known(_ ids: [ContactID], userID: UserID, in tx: any Transaction) throws -> [ContactID] {
        if ids.isEmpty { return [] }
        return try tx.all("SELECT id FROM contact WHERE id IN \(list: ids) AND user_id = \(userID)") {
            try $0.get("id")
        }
    }

    /// The contacts of `userID` with one of `numbers`, the oldest first. Index: the primary key of `contact_number`.
    static func sharing(
        _ numbers: [String], userID: UserID, in tx: any Transaction
    ) throws -> [(number: String, name: String, id: ContactID)] {
        try tx.all(
            """
            SELECT n.number, c.name, c.id
            FROM contact_number n
            JOIN contact c ON c.id = n.contact_id
            WHERE n.user_id = \(userID) AND n.number IN \(list: numbers)
            ORDER BY c.id, n.number
            """
        ) { (try $0.get("number"), try $0.get("name"), try $0.get("id")) }
    }

    /// The contact `id` of `userID`, locked.
    static func find(_ id: ContactID, userID: UserID, in tx: any Transaction) throws -> Contact? {
        try tx.first(
            Contact.self, "SELECT * FROM contact WHERE id = \(id) AND user_id = \(userID) \(.forUpdate)")
    }

    /// Whose each of `numbers` is, as far as `userID` knows them; of contacts that share one, the last that was made. At most
    /// ``mostNames`` are looked up. Index: the primary key of `contact_number`.
    static func names(
        of numbers: [String], userID: UserID, in tx: any Transaction
    ) throws -> [String: String] {
        guard let first = numbers.first else { return [:] }
        let rows = numbers.dropFirst().prefix(mostNames - 1).reduce("(\(first))" as SQL) { $0 + ", (\($1))" }
        let names: [(String, String?)] = try tx.all(
            """
            SELECT column1 AS number, (
                SELECT c.name
                FROM contact_number n
                JOIN contact c ON c.id = n.contact_id
                WHERE n.user_id = \(userID) AND n.number = column1
                ORDER BY n.contact_id DESC
                LIMIT 1) AS name
            FROM (VALUES \(rows)) AS asked
            """
        ) { (try $0.get("number"), try $0.find("name")) }
        return names.reduce(into: [:]) { if let name = $1.1, !name.isEmpty { $0[$1.0] = name } }
    }

    /// More numbers than a page shows.
    static let mostNames = 200

    /// Stores contacts, new or changed.
    static func save(_ contacts: [Contact], in tx: any Transaction) throws {
        try tx.runBatch(
            contacts.map { contact in
                """
                INSERT INTO contact (
                    id, user_id, name, emails, phone_numbers, properties, search_text, created_at, updated_at)
                VALUES (
                    \(contact.id), \(contact.userID), \(contact.name), \(contact.emails.joined(separator: "\n")),
                    \(contact.numbers.joined(separator: "\n")), \(contact.storedProperties), \(contact.searchText),
                    \(contact.createdAt), \(contact.updatedAt))
                ON CONFLICT (id) DO UPDATE SET
                    name = excluded.name, emails = excluded.emails, phone_numbers = excluded.phone_numbers,
                    properties = excluded.properties, search_text = excluded.search_text,
                    updated_at = excluded.updated_at
                """
            })
        try tx.run("DELETE FROM contact_number WHERE contact_id IN \(list: contacts.map(\.id))")
        try tx.runBatch(
            contacts.flatMap { contact in
                contact.numbers.map { number in
                    """
                    INSERT INTO contact_number (user_id, number, contact_id)
                    VALUES (\(contact.userID), \(number), \(contact.id))
                    ON CONFLICT (user_id, number, contact_id) DO NOTHING
                    """
                }
            })
    }

    /// Deletes the contact `id`; false when `userID` has no such contact.
    static func delete(_ id: ContactID, userID: UserID, in tx: any Transaction) throws -> Bool {
        guard try tx.run("DELETE FROM contact WHERE id = \(id) AND user_id = \(userID)") == 1 else { return false }
        try tx.run("DELETE FROM contact_number WHERE contact_id = \(id)")
        return true
    }
}
