import Foundation
import TestSupport
import Testing

@testable import Gateway

/// Numbers as httpSMS reads them.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PhoneNumberTests {
    /// Nothing that anybody should wait for.
    private static let longDigits = String(repeating: "9", count: 500_000)

    @Test(arguments: [
        ("+18005550199", "+18005550199"), ("+1 800 555 0199", "+18005550199"), ("+1 (800) 555-0199", "+18005550199"),
        ("+1-800-FLOWERS", "+18003569377"), ("+44 (0)7911 123456", "+447911123456"),
        ("+49004938901060", "+494938901060"), ("+18005550199 ext. 5", "+18005550199"), ("+37258000000", "+37258000000"),
        ("18005550199", nil),
        ("12345", nil), ("", nil), ("+", nil), ("+0", nil), ("+999123456789", nil), ("VODAFONE", nil),
        ("+1800555\0000199", nil), (String(repeating: "9", count: 65), nil),
    ])
    func e164TakesInternationalNumbersOnly(text: String, number: String?) {
        #expect(PhoneNumber.e164(text) == number)
    }

    @Test(arguments: [
        ("18005550199", "+18005550199"), (" +18005550199 ", "+18005550199"), ("0018005550199", "+18005550199"),
        ("123456789", "123456789"), ("12345", "12345"), ("1 800 555 0199", "+18005550199"), ("VODAFONE", "VODAFONE"),
        ("", ""), ("  ", ""), ("١٨٠٠٥٥٥٠١٩٩", "+18005550199"), ("015112345678", "015112345678"),
        ("0000000000", "0000000000"), ("8005550100", "8005550100"), ("\u{202D}18005550199\u{202C}", "+18005550199"),
        ("\u{200B}", ""),
    ])
    func anAddressGetsThePlusThatItLacks(text: String, address: String) {
        #expect(PhoneNumber.address(text) == address)
        #expect(PhoneNumber.ownNumber(text) == (address, PhoneNumber.e164(address) != nil))
    }

    @Test(arguments: [
        ("8005550100", "+18005550199", "+18005550100"), ("07911123457", "+447911123456", "+447911123457"),
        ("015112345679", "+4915112345678", "+4915112345679"), ("0612345678", "+33612345679", "+33612345678"),
        ("1234567", "+18005550199", "1234567"), ("+447911123457", "+18005550199", "+447911123457"),
        ("VODAFONE", "+447911123456", "VODAFONE"), (" MTN ", "+447911123456", "MTN"),
        ("8005550100", "nonsense", "8005550100"), ("", "+18005550199", ""),
        (Self.longDigits, "+18005550199", Self.longDigits), ("8005550100", "+" + Self.longDigits, "8005550100"),
    ])
    func aContactIsReadInTheOwnersRegion(text: String, owner: String, contact: String) {
        #expect(PhoneNumber.contact(text, owner: owner) == contact)
    }

    /// Written by `Scripts/phone-number-table`.
    @Test func realSpellingsMeanWhatTheyMean() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../Fixtures/phone-numbers.tsv")
        let rows = try String(contentsOf: file.standardized, encoding: .utf8).split(separator: "\n")
        #expect(rows.count > 200)
        for row in rows {
            let cells = row.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            try #require(cells.count == 3)
            let (owner, text) = (cells[0], try JSONDecoder().decode(String.self, from: Data(cells[1].utf8)))
            let meaning = try JSONDecoder().decode(String.self, from: Data(cells[2].utf8))

            let read = PhoneNumber.contact(text, owner: owner)

            #expect(read == meaning, "\(cells[1]) on \(owner)")
            #expect(PhoneNumber.contact(read, owner: owner) == read, "\(cells[1]) on \(owner) has two readings")
        }
    }

    @Test func marksWithoutEndAreNoNumber() {
        let text = String(repeating: "\u{200D}", count: 200_000)

        #expect(PhoneNumber.contact("1" + text + "2", owner: "+18005550199") == "1" + text + "2")
        #expect(PhoneNumber.contact(text + "12" + text, owner: "+18005550199") == "12")
    }

    @Test(arguments: [
        ("12", true), ("+12", true), ("123456789012345", true), ("+123456789012345", true), ("1", false), ("+1", false),
        ("1234567890123456", false), ("", false), ("+", false), ("++12", false), ("1 2", false), ("abc", false),
        ("١٢", false), ("12+", false), ("+015112345678", false), ("015112345678", false), ("0123456", true),
        ("+00", false),
        ("00000000", false),
    ])
    func aContactToSendToHas2To15Digits(text: String, isContact: Bool) {
        #expect(PhoneNumber.isContact(text) == isContact)
    }
}
