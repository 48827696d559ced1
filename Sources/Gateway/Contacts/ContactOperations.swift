import Delivery
import Storage
import Timestamps

/// What can be done with contacts.
package struct ContactOperations: Sendable {
    let store: any Store
    let clock: any WallClock

    /// A page of the contacts of `userID`, the last that was changed first, and how many there are in all.
    package func list(_ page: Page, userID: UserID) async throws -> (contacts: [Contact], total: Int) {
        try await store.read(.user(userID)) { tx in
            (
                try ContactQueries.list(userID: userID, page: page, in: tx),
                try ContactQueries.count(userID: userID, query: page.query, in: tx)
            )
        }
    }

    /// Whose each of `numbers` is, as far as `userID` knows them.
    package func names(of numbers: [String], userID: UserID) async throws -> [String: String] {
        if numbers.isEmpty { return [:] }
        return try await store.read(.user(userID)) { tx in
            try ContactQueries.names(of: numbers, userID: userID, in: tx)
        }
    }

    /// The contact `id` of `userID`; nil when the user has no such contact.
    package func find(_ id: ContactID, userID: UserID) async throws -> Contact? {
        try await store.read(.user(userID)) { tx in try ContactQueries.look(id, userID: userID, in: tx) }
    }

    /// What is wrong with a draft; empty when it can be stored.
    package func problems(of draft: ContactDraft, userID: UserID) async throws -> [ContactProblem] {
        try await normalized([draft], userID: userID).flatMap(\.problems)
    }

    /// Stores new contacts, all or none.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.quota` when the account has too many.
    package func create(
        _ drafts: [ContactDraft], userID: UserID, receipt: Receipt<[Contact]>
    ) async throws -> [Contact] {
        let drafts = try await normalized(drafts, userID: userID)
        try Self.check(drafts)
        let now = clock.now()
        let ids = drafts.map { _ in ContactID(at: now) }
        return try await store.write(for: userID) { tx in
            try receipt.keep(in: tx) {
                try UserQueries.lock(userID, in: tx)
                let count = try ContactQueries.count(userID: userID, query: "", in: tx)
                if count + drafts.count > Contact.mostOfAccount {
                    throw Refusal(.quota, "You can't have more than \(Contact.mostOfAccount) contacts.")
                }
                let contacts = zip(ids, drafts).map { Contact(id: $0, userID: userID, $1, at: tx.now) }
                try ContactQueries.save(contacts, in: tx)
                return contacts
            }
        }
    }

    /// Makes a contact what `draft` says. Nil when the user has no such contact.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func update(_ id: ContactID, _ draft: ContactDraft, userID: UserID) async throws -> Contact? {
        let drafts = try await normalized([draft], userID: userID)
        var errors = FieldErrors()
        Self.note(drafts, in: &errors)
        try errors.check("validation errors while updating contact")
        return try await store.write(.user(userID)) { tx in
            guard var contact = try ContactQueries.find(id, userID: userID, in: tx), let draft = drafts.first else {
                return nil
            }
            contact.apply(draft, at: tx.now)
            try ContactQueries.save([contact], in: tx)
            return contact
        }
    }

    /// Deletes a contact; false when the user has no such contact.
    package func delete(_ id: ContactID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in try ContactQueries.delete(id, userID: userID, in: tx) }
    }

    /// National numbers are read in the region of the account's first number.
    private func normalized(_ drafts: [ContactDraft], userID: UserID) async throws -> [ContactDraft] {
        let owner = try await store.read(.user(userID)) { tx in try PhoneQueries.numbers(of: userID, in: tx).first }
        return drafts.map { $0.normalized(owner: owner) }
    }

    private static func check(_ drafts: [ContactDraft]) throws(Refusal) {
        var errors = FieldErrors()
        if drafts.isEmpty { errors.add("contacts", "You must provide at least one contact.") }
        if drafts.count > Contact.mostAtOnce {
            errors.add("contacts", "You cannot create more than \(Contact.mostAtOnce) contacts in one request.")
        } else {
            note(drafts, in: &errors)
        }
        try errors.check("validation errors while creating contacts")
    }

    /// What is wrong with each of `drafts`, in the words of httpSMS.
    private static func note(_ drafts: [ContactDraft], in errors: inout FieldErrors) {
        for (index, draft) in drafts.enumerated() {
            for problem in draft.problems { errors.add("contacts", "Contact [\(index + 1)]: \(problem.message)") }
        }
    }
}
