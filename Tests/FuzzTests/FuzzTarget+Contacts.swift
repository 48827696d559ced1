import Storage
import Timestamps

@testable import Gateway

extension FuzzTarget {
    /// Address books.
    static let contacts: [FuzzTarget] = [vcard, contactTable]

    private static let vcard = FuzzTarget(
        "vcard",
        words: [
            "BEGIN:VCARD\n", "END:VCARD\n", "VERSION:2.1\n", "FN:", "N:", "TEL;TYPE=cell:", "tel:+18005550101",
            "EMAIL:",
            "NOTE:", "item1.", ";ENCODING=QUOTED-PRINTABLE:", "=\r\n", "=0D=0A", "\r\n ", "\\n", "\\,", "\"",
            "urn:uuid:",
        ]
    ) { bytes in
        let cards = VCard.cards(in: bytes[...], most: 2_000)
        try hold(cards.count <= bytes.count / 11 + 1, "more cards than fit")
        try check(bytes, name: "a.vcf")
    }

    private static let contactTable = FuzzTarget(
        "contact-table",
        words: [
            "Id,Name,Phone numbers,Emails,Note\n", "Name;Phone\n", "First Name\tLast Name\tMobile\n", "+18005550101",
            ":::",
            "; ", "'=", "''", "\"", "\r\n", "\u{FEFF}", "sep=;\r\n", "\u{301}",
        ]
    ) { bytes in try check(bytes, name: "a.csv") }

    /// What can be stored holds to the rules, and is read from our own files as it is.
    private static func check(_ bytes: [UInt8], name: String) throws {
        guard let file = try? read(bytes, name: name) else { return }
        try hold(file.items.count <= bytes.count, "more contacts than bytes")
        for problem in file.problems { try hold(problem.reason.utf8.count < 2_000, "a long reason") }
        let contacts = file.items.map { item in
            Contact(id: item.id ?? ContactID(at: .first), userID: UserID("user"), item.draft, at: .first)
        }
        for contact in contacts { try hold(file.items.contains { $0.draft.name == contact.name }, "a lost name") }
        for item in file.items { try hold(item.draft.problems.isEmpty, "a contact that breaks a rule") }
        if contacts.isEmpty { return }
        let table = ContactSheet.header + contacts.flatMap(ContactSheet.line)
        let cards = contacts.flatMap(VCard.card)
        for again in [try read(table, name: "a.csv"), try read(cards, name: "a.vcf")] {
            try hold(again.problems.isEmpty, "problems when it is read again: \(again.problems)")
            try hold(again.items.map(\.draft) == file.items.map(\.draft), "contacts differ when they are read again")
        }
    }

    private static func read(_ bytes: [UInt8], name: String) throws -> ContactFile {
        try ContactFile(UploadedFile(name: name, contentType: "", bytes: bytes[...]), owner: "+12125550123")
    }
}
