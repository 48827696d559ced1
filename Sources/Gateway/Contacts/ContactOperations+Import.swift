import Delivery
import Storage
import Timestamps
import Wire

/// What storing an address book comes to.
package struct ContactImport: Sendable {
    /// How many are new.
    package var added = 0
    /// How many are there already, and take what is new of the file.
    package var known = 0
}

/// Contacts out of a file.
extension ContactOperations {
    /// Reads a file, and finds out what storing it would come to.
    ///
    /// - Throws: ``BulkUploadErrors``, ``ServerBusy``.
    package func read(
        _ file: UploadedFile, by client: UploadQueue.Client, in uploads: UploadQueue
    ) async throws -> (file: ContactFile, outcome: ContactImport) {
        let userID = client.userID
        let owner = try await store.read(.user(userID)) { tx in try PhoneQueries.numbers(of: userID, in: tx).first }
        let read = try await uploads.run(for: client) { cancellation in
            try ContactFile(file, owner: owner, check: cancellation.check)
        }
        var outcome = ContactImport()
        for items in read.items.portions(of: Self.portion) {
            let known = try await store.read(.user(userID)) { tx in
                try KnownContacts(items, userID: userID, in: tx)
            }
            for item in items {
                if known.id(for: item) == nil { outcome.added += 1 } else { outcome.known += 1 }
            }
        }
        return (read, outcome)
    }

    /// Stores the contacts of a file. Those that are there already take what is new: a name where the file says which contact
    /// it is, numbers, e-mail addresses and a note. So the same file may be stored again.
    ///
    /// - Throws: ``Refusal`` `.quota` when the account has too many; those before are stored then.
    package func bring(_ items: [ContactFile.Item], userID: UserID) async throws -> ContactImport {
        var outcome = ContactImport()
        for items in items.portions(of: Self.portion) {
            let part = try await bring(portion: items, userID: userID)
            outcome.added += part.added
            outcome.known += part.known
        }
        return outcome
    }

    /// Whom the account knows is found out before the transaction, which everybody waits for: all its contacts may share the
    /// numbers of the file. When contacts came or went meanwhile, as with a file that is stored twice at once, it is found
    /// out again.
    private func bring(portion items: [ContactFile.Item], userID: UserID) async throws -> ContactImport {
        let now = clock.now()
        let ids = items.map { _ in ContactID(at: now) }
        var looks = 0
        while true {
            looks += 1
            let isLast = looks == Self.mostLooks
            let known = try await store.read(.user(userID)) { tx in
                try KnownContacts(items, userID: userID, in: tx)
            }
            let part = try await store.write(for: userID) { tx -> ContactImport? in
                try UserQueries.lock(userID, in: tx)
                let count = try ContactQueries.count(userID: userID, query: "", in: tx)
                guard isLast || count == known.count else { return nil }
                return try Self.bring(
                    items, ids: ids, known, room: Contact.mostOfAccount - count, userID: userID, in: tx)
            }
            if let part { return part }
        }
    }

    private static func bring(
        _ items: [ContactFile.Item], ids: [ContactID], _ known: KnownContacts, room: Int, userID: UserID,
        in tx: any Transaction
    ) throws -> ContactImport {
        var (known, room) = (known, room)
        var outcome = ContactImport()
        for (item, id) in zip(items, ids) {
            // One that got another name meanwhile is another one.
            if let found = known.id(for: item), let contact = try ContactQueries.find(found, userID: userID, in: tx),
                contact.id == item.id || FoldedText.of(contact.name) == FoldedText.of(item.draft.name)
            {
                outcome.known += 1
                let merged = contact.merged(with: item, at: tx.now)
                if let merged { try ContactQueries.save([merged], in: tx) }
                continue
            }
            room -= 1
            if room < 0 { throw Refusal(.quota, "You can't have more than \(Contact.mostOfAccount) contacts.") }
            try ContactQueries.save([Contact(id: id, userID: userID, item.draft, at: tx.now)], in: tx)
            known.add(id, item.draft)
            outcome.added += 1
        }
        return outcome
    }

    /// Contacts in one transaction.
    private static let portion = 200
    /// After so many, contacts that came meanwhile may be added again: an account that adds them all the time holds up itself.
    private static let mostLooks = 5
}

extension Contact {
    /// With what is new in `item`; nil when nothing is.
    fileprivate func merged(with item: ContactFile.Item, at now: Timestamp) -> Contact? {
        var merged = self
        if item.id == id { merged.name = item.draft.name }
        merged.numbers = Array((numbers + item.draft.phoneNumbers).unique.prefix(ContactDraft.mostValues))
        merged.emails = Array((emails + item.draft.emails).unique.prefix(ContactDraft.mostValues))
        let note = item.draft.properties[Contact.noteProperty]
        if let note, properties.count < 50 || properties[Contact.noteProperty] != nil {
            merged.properties[Contact.noteProperty] = note
        }
        let isSame =
            merged.name.utf8.elementsEqual(name.utf8) && merged.numbers == numbers && merged.emails == emails
            && merged.note.utf8.elementsEqual(self.note.utf8)
        if isSame { return nil }
        merged.updatedAt = now
        return merged
    }
}

/// The contacts of an account that those of a file may be.
private struct KnownContacts: Sendable {
    /// How many the account has in all.
    let count: Int
    private var ids: Set<ContactID> = []
    /// By the number and the folded name.
    private var byName: [String: ContactID] = [:]

    init(_ items: [ContactFile.Item], userID: UserID, in tx: any Transaction) throws {
        // Before the others: of what comes in between, the next look finds another count.
        count = try ContactQueries.count(userID: userID, query: "", in: tx)
        ids = Set(try ContactQueries.known(items.compactMap(\.id), userID: userID, in: tx))
        let numbers = items.flatMap(\.draft.phoneNumbers).unique
        for part in numbers.portions(of: 500) {
            // In the order of the contacts: each name is folded once, not for each number.
            var last: (id: ContactID, name: String)?
            for (number, name, id) in try ContactQueries.sharing(part, userID: userID, in: tx) {
                let folded: String
                if let last, last.id == id { folded = last.name } else { folded = FoldedText.of(name) }
                last = (id, folded)
                byName[Self.key(number, folded)] = id
            }
        }
    }

    /// The contact that `item` is: by its id, or else one of the same name that shares a number.
    func id(for item: ContactFile.Item) -> ContactID? {
        if let id = item.id, ids.contains(id) { return id }
        let name = FoldedText.of(item.draft.name)
        return item.draft.phoneNumbers.lazy.compactMap { byName[Self.key($0, name)] }.first
    }

    mutating func add(_ id: ContactID, _ draft: ContactDraft) {
        let name = FoldedText.of(draft.name)
        for number in draft.phoneNumbers { byName[Self.key(number, name)] = id }
    }

    private static func key(_ number: String, _ folded: String) -> String { "\(number) \(folded)" }
}

extension Array {
    /// Parts of at most `size` elements, in order.
    fileprivate func portions(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
