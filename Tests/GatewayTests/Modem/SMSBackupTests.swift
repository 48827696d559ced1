import Foundation
import TestSupport
import Testing

@testable import Modem

/// Files as gammu-smsd 1.42.0 wrote them.
@Suite(.onOneEngine) struct SMSBackupTests {
    private static func part(
        _ units: [UInt16], pdu: String = "Deliver", header: String? = nil, reference: Int = 0,
        coding: String = "Unicode"
    ) -> String {
        let digits = units.map { unit in
            let digits = String(unit, radix: 16, uppercase: true)
            return String(repeating: "0", count: 4 - digits.count) + digits
        }
        let lines = stride(from: 0, to: digits.count, by: 50).enumerated().map { index, start in
            "Text0\(index) = \(digits[start..<min(start + 50, digits.count)].joined())\n"
        }
        return """
            [SMSBackup000]
            ; a comment = with an equals sign
            PDU = \(pdu)
            DateTime = 20261128T164534Z
            State = UnRead
            Number = "+18005550123"
            NumberUnicode = 002B00310038003000300035003500350030003100320033
            Name = ""
            NameUnicode =\u{20}
            \(header.map { "UDH = \($0)\n" } ?? "")\(lines.joined())Coding = \(coding)
            Length = \(units.count)
            MessageReference = \(reference)


            """
    }

    @Test func partsAreJoinedBeforeTheirCharactersAreRead() throws {
        let long = String(repeating: "word ", count: 26)
        let first = Self.part(Array(long.utf16) + [0xD83D], header: "0500039E0201")
        let second = Self.part([0xDE00] + Array("!".utf16), header: "0500039E0202")
        let sms = try #require(SMSBackup("; This file format was designed for Gammu\n\n" + first + second))

        #expect(sms.text == long + "😀!")
        #expect(sms.number == "+18005550123")
        #expect(sms.report == nil && sms.isComplete)
        let alone = try #require(SMSBackup(first))
        #expect(!alone.isComplete)
        #expect(alone.id != sms.id)
        #expect(SMSBackup(first + second)?.id == sms.id)
    }

    @Test(arguments: [
        ("0500039E0302", 3), ("06080401230402", 4), ("0B05048423F00000039E0201", 2), ("", 1), ("05", 1), ("0500", 1),
        ("zz", 1),
    ])
    func theHeaderTellsHowManyPartsThereAre(header: String, count: Int) throws {
        let sms = try #require(SMSBackup(Self.part([65], header: header)))
        #expect(sms.parts.expected == count)
    }

    @Test func aDeliveryReportNamesItsMessage() throws {
        let report = try #require(
            SMSBackup(Self.part(Array("Delivered".utf16), pdu: "Status_Report", reference: 17)))
        #expect(report.report == 17)
        #expect(report.text == "Delivered")
    }

    @Test func aFileThatIsWrittenByHalfIsNone() {
        let whole = Self.part(Array("Hello".utf16))
        #expect(SMSBackup(whole) != nil)
        for count in 0..<(whole.count - 3) { #expect(SMSBackup(String(whole.prefix(count))) == nil, "\(count)") }
    }

    @Test func dataThatIsNoTextHasNoText() throws {
        #expect(try #require(SMSBackup(Self.part([0x4142], coding: "8bit"))).text.isEmpty)
    }

    @Test(arguments: ["", "\n", "[SMSBackup000]\n", "=\n=\n", "[SMSBackup\nText00 = 00\nPDU=\nMessageReference=\n"])
    func whatIsNoBackupIsReadWithoutHarm(text: String) {
        #expect(SMSBackup(text)?.text ?? "" == "")
    }

    @Test func theLogTellsWhatWasBegunAndWhatWasTaken() {
        let name = "OUTA20000101_000000_00_+18005550100_0199f0b1.txtd"
        let other = "OUTA20000101_000000_00_+18005550100_0199f0b2.txtd"
        let begun = "Sat 2026/11/28 16:45:10 gammu-smsd[29379]: New message to send: \(name)\n"
        func taken(_ part: String, _ reference: String) -> String {
            "Sat 2026/11/28 16:45:10 gammu-smsd[29379]: Transmitted \(name) (\(part)) to +18005550100, message reference \(reference)\n"
        }
        #expect(SMSDLog(begun).trace(of: other) == .init())
        #expect(SMSDLog(begun).trace(of: name) == .init(isBegun: true))
        #expect(
            SMSDLog(begun + taken("part: 1", "0x1f")).trace(of: name) == .init(isBegun: true, references: [31]))
        let answer = "Sat 2026/11/28 16:45:10 gammu-smsd[1]: SMS sent on device: \"/dev/a\" status=21, reference=-1\n"
        #expect(SMSDLog(begun + answer).trace(of: name).refusal == 21)
        #expect(SMSDLog(begun + answer).trace(of: other).refusal == nil)
        #expect(SMSDLog(answer + begun).trace(of: name).refusal == nil)
        #expect(
            SMSDLog(begun + taken("part: 1", "0x1f") + taken("total: 2", "0x20")).trace(of: name)
                == .init(isBegun: true, isTransmitted: true, references: [31, 32]))
    }
}
