import Delivery
import Storage
import Timestamps

/// What can be done with saved texts.
package struct SavedTextOperations: Sendable {
    let store: any Store
    let clock: any WallClock

    /// A page of the texts of `userID`, newest first, and how many there are in all.
    package func list(_ page: Page, userID: UserID) async throws -> (texts: [SavedText], total: Int) {
        try await store.read(.user(userID)) { tx in
            (
                try SavedTextQueries.list(userID: userID, page: page, in: tx),
                try SavedTextQueries.count(userID: userID, in: tx)
            )
        }
    }

    /// The text `id` of `userID`; nil when the user has no such text.
    package func find(_ id: SavedTextID, userID: UserID) async throws -> SavedText? {
        try await store.read(.user(userID)) { tx in try SavedTextQueries.look(id, userID: userID, in: tx) }
    }

    /// Stores a new text.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.quota` when the account has too many.
    package func create(
        _ draft: SavedTextDraft, userID: UserID, receipt: Receipt<SavedText>
    ) async throws -> SavedText {
        let draft = draft.normalized
        try draft.check(or: "validation errors while creating text")
        let id = SavedTextID(at: clock.now())
        return try await store.write(for: userID) { tx in
            try receipt.keep(in: tx) {
                try UserQueries.lock(userID, in: tx)
                if try SavedTextQueries.count(userID: userID, in: tx) >= SavedText.mostOfAccount {
                    throw Refusal(.quota, "You can't have more than \(SavedText.mostOfAccount) saved texts.")
                }
                let text = SavedText(id: id, userID: userID, draft, at: tx.now)
                try SavedTextQueries.save(text, in: tx)
                return text
            }
        }
    }

    /// Makes a text what `draft` says. Nil when the user has no such text.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func update(_ id: SavedTextID, _ draft: SavedTextDraft, userID: UserID) async throws -> SavedText? {
        let draft = draft.normalized
        try draft.check(or: "validation errors while updating text")
        return try await store.write(.user(userID)) { tx in
            guard var text = try SavedTextQueries.find(id, userID: userID, in: tx) else { return nil }
            text.apply(draft, at: tx.now)
            try SavedTextQueries.save(text, in: tx)
            return text
        }
    }

    /// Deletes a text; false when the user has no such text.
    package func delete(_ id: SavedTextID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in try SavedTextQueries.delete(id, userID: userID, in: tx) }
    }

    /// The text `id` with what is known of the other party `number`; nil when the user has no such text.
    package func filled(
        _ id: SavedTextID, for number: String, userID: UserID
    ) async throws -> PlaceholderText.Filled? {
        try await store.read(.user(userID)) { tx in
            guard let text = try SavedTextQueries.look(id, userID: userID, in: tx) else { return nil }
            let values = try RecipientValues(of: number, userID: userID, in: tx)
            return PlaceholderText(text.content).filled { values[$0] }
        }
    }

    /// The placeholders that are left in `content`, which is about to be sent to `number`. What came in with a value, as
    /// from somebody whose name is `{{number}}`, is none.
    package func placeholders(leftIn content: String, for number: String, userID: UserID) async throws -> [String] {
        let names = PlaceholderText(content).names
        if names.isEmpty { return [] }
        let values = try await store.read(.user(userID)) { tx in
            try RecipientValues(of: number, userID: userID, in: tx)
        }
        let known = Set(values.all.flatMap { PlaceholderText($0).names.map(PlaceholderText.key) })
        return names.filter { !known.contains(PlaceholderText.key($0)) }
    }
}

/// What can be put in the place of placeholders in a message to one number.
struct RecipientValues: Sendable {
    /// By ``PlaceholderText/key(_:)``.
    private var values: [String: String] = [:]

    /// Looks `number` up among the contacts of `userID`: their name, the number itself, and what else programs keep of them.
    /// The note stays with whoever wrote it.
    init(of number: String, userID: UserID, in tx: any Transaction) throws {
        if let contact = try ContactQueries.known(at: number, userID: userID, in: tx) {
            let properties = contact.properties.filter { $0.key != Contact.noteProperty }
            for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
                values[PlaceholderText.key(name)] = value
            }
            values["name"] = contact.name
        }
        if PhoneNumber.isContact(number) { values["number"] = number }
    }

    var all: [String] { Array(values.values) }

    subscript(_ key: String) -> String? { values[key] }
}
