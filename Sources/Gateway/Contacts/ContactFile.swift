import Storage
import Wire

/// What an uploaded address book asks for.
package struct ContactFile: Sendable {
    /// Somebody who can be stored.
    package struct Item: Sendable {
        /// Of the contact that it was before; nil for none.
        let id: ContactID?
        /// The contact that a row says.
        package let draft: ContactDraft
    }

    /// What is wrong with a part of it. The rest can be stored.
    package struct Problem: Sendable {
        /// The row of a table, or the card of an address book.
        package let place: Int
        /// What is wrong, in a sentence.
        package let reason: String
    }

    /// What can be taken in.
    package let items: [Item]
    /// What cannot.
    package let problems: [Problem]
    /// How many have no number, as those that somebody only mails to.
    package let withoutNumber: Int
    /// Whether it has cards rather than rows.
    package let isVCard: Bool

    /// Reads a file: vCard, or a table as CSV.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - owner: One of the account's numbers, whose region says what a national number means; nil when it has none.
    ///   - check: Is called between rows; what it throws ends the work.
    /// - Throws: ``BulkUploadErrors`` when nothing in it can be stored, and what `check` throws.
    init(
        _ file: UploadedFile, owner: String?, check: () throws(CancellationError) -> Void = {}
    ) throws {
        if file.bytes.count > Self.longest { throw BulkUploadErrors.file("The file has more than 5 MB.") }
        if file.bytes.starts(with: [0x50, 0x4b, 0x03, 0x04]) || file.bytes.starts(with: [0xd0, 0xcf, 0x11, 0xe0]) {
            throw BulkUploadErrors.file("The file is a workbook. Save it as CSV UTF-8.")
        }
        let text = try SheetText(file.bytes, charset: file.charset)
        let start = text.bytes.drop { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        isVCard = String(decoding: start.prefix(11), as: UTF8.self).uppercased() == "BEGIN:VCARD"
        var reading = Reading(owner: owner)
        if isVCard {
            let cards = VCard.cards(in: text.bytes, most: Self.mostItems)
            if cards.count > Self.mostItems { throw Self.tooMany() }
            for card in cards {
                try check()
                if !card.isWhole {
                    reading.note(card.number, "The card does not end. The file may be cut off.")
                    continue
                }
                reading.take(
                    card.number, id: card.id,
                    ContactDraft(
                        name: card.name, emails: card.emails, phoneNumbers: card.numbers, properties: [:]),
                    note: card.note)
            }
        } else {
            let sheet = try ContactSheet(text, most: Self.mostItems, check: check)
            for problem in sheet.problems { reading.note(problem.row, problem.reason) }
            for row in sheet.rows {
                try check()
                reading.take(
                    row.number, id: row.id,
                    ContactDraft(
                        name: row.name, emails: row.emails, phoneNumbers: row.numbers, properties: [:]),
                    note: row.note)
            }
        }
        if reading.count > Self.mostItems {
            throw Self.tooMany()
        }
        (items, withoutNumber) = (reading.items, reading.withoutNumber)
        problems = reading.problems.sorted { $0.place < $1.place }
        if reading.count == 0, problems.isEmpty {
            throw BulkUploadErrors.file("There is no contact in the file. Choose a CSV file or an address book (.vcf).")
        }
    }

    private struct Reading {
        let owner: String?
        var items: [Item] = []
        var problems: [Problem] = []
        var withoutNumber = 0
        var count = 0

        init(owner: String?) {
            self.owner = owner
        }

        mutating func note(_ place: Int, _ reason: String) {
            problems.append(Problem(place: place, reason: reason))
        }

        /// Takes what can be stored, and notes what is left out.
        mutating func take(_ place: Int, id: String, _ draft: ContactDraft, note: String) {
            count += 1
            if draft.phoneNumbers.isEmpty {
                withoutNumber += 1
                return
            }
            var draft = draft
            // As phones write line breaks.
            let note = note.replacingBytes("\r\n", with: "\n").replacingBytes("\r", with: "\n").trimmed
            if !note.isEmpty { draft.properties[Contact.noteProperty] = note }
            draft = draft.normalized(owner: owner)
            for problem in draft.problems {
                self.note(place, problem.words + Self.consequence(problem))
                switch problem {
                case .number(let number): draft.phoneNumbers.removeAll { $0.sameBytes(as: number) }
                case .email(let email): draft.emails.removeAll { $0.sameBytes(as: email) }
                case .manyNumbers: draft.phoneNumbers = Array(draft.phoneNumbers.prefix(ContactDraft.mostValues))
                case .manyEmails: draft.emails = Array(draft.emails.prefix(ContactDraft.mostValues))
                case .property: draft.properties = [:]
                default: break
                }
            }
            guard draft.problems.isEmpty else { return }
            let uid = id.lowercased().hasPrefix("urn:uuid:") ? String(id.dropFirst(9)) : id
            items.append(Item(id: ContactID(uid), draft: draft))
        }

        private static func consequence(_ problem: ContactProblem) -> String {
            switch problem {
            case .number, .email: " It is left out."
            case .manyNumbers, .manyEmails: " The first 20 are taken."
            case .property: " It is left out."
            default: " The contact is left out."
            }
        }
    }

    /// Of one file; more than a phone's address book mostly has.
    static let mostItems = 2_000

    private static func tooMany() -> BulkUploadErrors {
        BulkUploadErrors.file("The file has more than \(mostItems) contacts. Cut it in parts.")
    }
    /// 5 MB, as a file of messages.
    private static let longest = 5_000_000
}

extension String {
    /// Whether two texts are the same bytes; equal ones may be written otherwise.
    fileprivate func sameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
