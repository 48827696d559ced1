import Foundation
import Storage
import TestSupport
import Testing
import Timestamps
import Wire

@testable import Gateway

/// Address books as files.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct ContactFileTests {
    private static func read(_ text: String, name: String = "a.csv", owner: String? = "+12125550123") throws
        -> ContactFile
    {
        try ContactFile(
            UploadedFile(name: name, contentType: "", bytes: Array(text.utf8)[...]), owner: owner)
    }

    private static func lines(_ file: ContactFile) -> [String] {
        file.items.map { item in
            let draft = item.draft
            let note = draft.properties["note"] ?? ""
            return [draft.name, draft.phoneNumbers.joined(separator: " "), draft.emails.joined(separator: " "), note]
                .joined(separator: "|")
        }
    }

    @Test(arguments: [
        (
            "Name,Phone numbers,Emails,Note\nZoë,(212) 555-0188; 12345,A@B.c,\"pays\nlate\"\n",
            ["Zoë|+12125550188 12345|a@b.c|pays\nlate"]
        ),
        // Google.
        (
            "First Name,Last Name,Phonetic First Name,Notes,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,"
                + "Phone 1 - Value\nAnn,Lee,x,,* Home,ann@b.c,Mobile,+1 800-555-0101 ::: +18005550102\n",
            ["Ann Lee|+18005550101 +18005550102|ann@b.c|"]
        ),
        // A German Outlook writes semicolons.
        ("Given Name;Surname;Mobile Phone;Home Phone\nAnn;Lee;+18005550101;+18005550101\n", ["Ann Lee|+18005550101||"]),
        ("\u{FEFF}name\tnumber\n'=Ann\ttel:+18005550101\n", ["=Ann|+18005550101||"]),
    ])
    func tablesAreRead(text: String, lines: [String]) throws {
        let file = try Self.read(text)

        #expect(Self.lines(file) == lines)
        #expect(file.problems.isEmpty && !file.isVCard)
    }

    @Test(arguments: [
        // Android.
        (
            "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Zo=\r\n=C3=AB;;;\r\n"
                + "TEL;CELL:(212) 555-0188\r\nPHOTO;ENCODING=BASE64;JPEG:AAAA\r\n TEL:1\r\n\r\nEND:VCARD\r\n",
            ["Zoë Müller|+12125550188||"]
        ),
        (
            "begin:vcard\nversion:3.0\nfn:Ann\\, Lee\nN:Lee;Ann\nitem1.TEL;type=CELL:+18005550101\nEMAIL:A@b.c\n"
                + "NOTE:one\\ntwo \n  three\nend:vcard\n", ["Ann, Lee|+18005550101|a@b.c|one\ntwo  three"]
        ),
        (
            "BEGIN:VCARD\nVERSION:4.0\nFN:Ann\nTEL;VALUE=uri;TYPE=\"voice:x,home\":tel:+1-800-555-0101\n"
                + "EMAIL:mailto:a@b.c\nEND:VCARD\n", ["Ann|+18005550101|a@b.c|"]
        ),
        (
            "BEGIN:VCARD\nORG:Shop;Front desk\nTEL:12345\nAGENT:\nBEGIN:VCARD\nFN:No\nTEL:1\nEND:VCARD\nEND:VCARD",
            ["Shop, Front desk|12345||"]
        ),
    ])
    func cardsAreRead(text: String, lines: [String]) throws {
        let file = try Self.read(text, name: "a.vcf")

        #expect(Self.lines(file) == lines)
        #expect(file.problems.isEmpty && file.isVCard)
    }

    @Test func whatIsWrongIsToldAndTheRestIsTaken() throws {
        let numbers = (10..<35).map { "+180055501\($0)" }.joined(separator: ";")
        let file = try Self.read(
            """
            Name,Phone,Email,Note
            Good,+18005550101,,
            Bad number,+18005550102;*100#,not an address,
            ,+18005550103,,
            Nobody,,a@b.c,
            Only bad,x,,
            Many,\(numbers),,\(String(repeating: "n", count: 2_001))
            "stray"x,1,,
            """)

        #expect(file.items.map(\.draft.name) == ["Good", "Bad number", "Many"])
        #expect(file.items[1].draft.phoneNumbers == ["+18005550102"] && file.items[1].draft.emails.isEmpty)
        #expect(file.items[2].draft.phoneNumbers.count == 20 && file.items[2].draft.properties.isEmpty)
        #expect(file.withoutNumber == 1)
        #expect(file.problems.map(\.place) == [3, 3, 4, 6, 7, 7, 8], "\(file.problems)")
        #expect(file.problems[0].reason == "“*100#” is not a phone number. Write it like +18005550100. It is left out.")
    }

    @Test(arguments: [
        ("", "There is no contact"), ("PK\u{3}\u{4}x", "workbook"), ("Name,Mail\nA,B\n", "name the columns"),
        ("Phone\n1\n", "name the columns"), ("\"Name,Phone\n", "never closed"), ("Name,Phone\n", "There is no contact"),
        ("Name,Phone\n" + String(repeating: "A,+18005550101\n", count: 2_001), "more than 2000 contacts"),
        (
            String(repeating: "BEGIN:VCARD\nFN:A\nTEL:+18005550100\nEND:VCARD\n", count: 2_001),
            "more than 2000 contacts"
        ),
        ("Name,Phone\n" + String(repeating: "\n", count: 5_000), "more than 4000 rows"),
        (String(repeating: ",", count: 101), "more than 100 columns"),
        (String(repeating: "x", count: 5_000_001), "more than 5 MB"),
    ])
    func whatIsNoAddressBookIsRefused(text: String, reason: String) {
        #expect {
            try Self.read(text)
        } throws: {
            ($0 as? BulkUploadErrors)?.problems.first?.reason.contains(reason) == true
        }
    }

    @Test(arguments: [
        "BEGIN:VCARD", "BEGIN:VCARD\nFN:A\nTEL:+18005550101", "BEGIN:VCARD\nEND:VCARD\nEND:VCARD\nTEL:1\n:\n;:\n.:",
        "BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:=", "BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:=\n=\n=",
        "BEGIN:VCARD\nFN:\\", "BEGIN:VCARD\nN:\\;\\", "BEGIN:VCARD\nFN:a\n\n \n\t",
        "BEGIN:VCARD\nBEGIN:VCARD\nBEGIN:VCARD", "BEGIN:VCARD\n\"\";\":FN:x",
    ])
    func whatIsCutOffTrapsNothing(text: String) {
        let file = try? Self.read(text)
        #expect(file?.items.isEmpty != false)
    }

    /// What is read twice as long takes twice as long: folded lines, soft breaks, escapes, and cards that never end.
    @Test(arguments: ["\n ", "=\n", "\\;", "\nBEGIN:VCARD", "\nTEL:1", "\nPHOTO:x", ";", "\""])
    func readingIsLinear(piece: String) throws {
        func time(_ count: Int) -> Duration {
            let text = "BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:" + String(repeating: piece, count: count)
            let bytes = Array(text.utf8)
            return processorTime { _ = VCard.cards(in: bytes[...], most: 2_000) }
        }
        _ = time(1_000)
        let (small, large) = (time(20_000), time(80_000))
        #expect(large < small * 12 + .milliseconds(200), "\(small) \(large)")
    }

    @Test func ourFilesAreReadAsTheyWereWritten() throws {
        let draft = ContactDraft(
            name: "=cmd|' /C calc'!A0 \"Zoë\"; Müller, \\n 🧵", emails: ["a@b.c", "d@e.f"],
            phoneNumbers: ["+18005550101", "12345"],
            properties: ["note": "-1\nline; two, " + String(repeating: "é", count: 200)])
        let contact = Contact(id: ContactID(at: .first), userID: UserID("user"), draft, at: .first)
        let table = String(decoding: ContactSheet.header + ContactSheet.line(of: contact), as: UTF8.self)
        let card = String(decoding: VCard.card(of: contact), as: UTF8.self)

        for text in [table, card] {
            let file = try Self.read(text)
            #expect(file.items.map(\.id) == [contact.id])
            #expect(file.items.map(\.draft) == [draft])
        }
        #expect(card.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 75 })
        #expect(table.contains("\"'=cmd") && table.contains("\"'-1") && table.contains("\"+18005550101; 12345\""))
    }
}
