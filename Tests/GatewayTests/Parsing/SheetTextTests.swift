import TestSupport
import Testing

@testable import Gateway

/// The encodings that programs save CSV files in.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SheetTextTests {
    private static func read(_ bytes: [UInt8], charset: String? = nil) throws -> (String?, SheetText.Encoding) {
        let text = try SheetText(bytes[...], charset: charset)
        return (String(validating: text.bytes, as: UTF8.self), text.encoding)
    }

    private static func utf16(_ text: String, isBigEndian: Bool) -> [UInt8] {
        text.utf16.flatMap { unit -> [UInt8] in
            let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xff))
            return isBigEndian ? [high, low] : [low, high]
        }
    }

    @Test(arguments: ["", "a", "Grüße", "Привет", "你好, 世界", "😀 a\u{0301}", "ab\0c", "\r\n,;\t\""])
    func everyUnicodeFileIsRead(text: String) throws {
        let plain = Array(text.utf8)
        #expect(try Self.read(plain) == (text, .utf8))
        #expect(try Self.read([0xef, 0xbb, 0xbf] + plain) == (text, .utf8))
        #expect(try Self.read([0xff, 0xfe] + Self.utf16(text, isBigEndian: false)) == (text, .utf16))
        #expect(try Self.read([0xfe, 0xff] + Self.utf16(text, isBigEndian: true)) == (text, .utf16))
    }

    @Test(arguments: [false, true]) func utf16NeedsNoMarkBeforeAHeader(isBigEndian: Bool) throws {
        let text = "FromPhoneNumber\tContent\r\n1\tПривет"
        #expect(try Self.read(Self.utf16(text, isBigEndian: isBigEndian)) == (text, .utf16))
    }

    @Test(
        arguments: [
            [0xff, 0xfe, 0x61, 0x00, 0x3d, 0xd8], [0xff, 0xfe, 0x3d, 0xd8, 0x61, 0x00],
            [0xff, 0xfe, 0x00, 0xde, 0x61, 0],
            [0xfe, 0xff, 0x00, 0x61, 0x00], [0xfe, 0xff, 0xd8, 0x3d, 0xd8, 0x3d, 0xde, 0x00], [0xff, 0xfe, 0x61],
        ] as [[UInt8]]) func halfACharacterOfUTF16IsNoText(bytes: [UInt8]) throws
    {
        #expect(try Self.read(bytes) == (nil, .utf16))
    }

    @Test(
        arguments: [
            ("Gr\u{fc}\u{df}e", "Grüße"), ("\u{80}5", "€5"), ("caf\u{e9}, d\u{e9}j\u{e0} vu", "café, déjà vu"),
            ("\u{93}quoted\u{94} \u{85} it\u{92}s", "“quoted” … it’s"),
            ("\u{c4}\u{d6}\u{dc} \u{e4}\u{f6}\u{fc}\u{df}", "ÄÖÜ äöüß"),
            ("ma\u{f1}ana \u{bf}qu\u{e9}? \u{a1}s\u{ed}!", "mañana ¿qué? ¡sí!"), ("\u{fe}\u{fd}\u{f0}ir", "þýðir"),
            ("20\u{b0}C, 5 m\u{b2}, 1\u{bd} l", "20°C, 5 m², 1½ l"), ("\u{9c}uvre \u{c0} \u{8a}koda", "œuvre À Škoda"),
            ("smörgåsbord".unicodeScalars.map { String($0) }.joined(), "smörgåsbord"),
        ]) func windows1252IsRecognised(latin: String, text: String) throws
    {
        let bytes = latin.unicodeScalars.map { UInt8($0.value) }
        let read = try Self.read(Array("FromPhoneNumber;Content\r\n".utf8) + bytes)
        #expect(read == ("FromPhoneNumber;Content\r\n" + text, .windows1252))
    }

    /// Texts in other code pages, which would come out as other letters.
    @Test(
        arguments: [
            // Cyrillic in 1251 and KOI8-R, Greek in 1253, Hebrew in 1255, Polish in 1250, Chinese, Japanese, German of an old Mac.
            [0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2], [0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4],
            [0xca, 0xe1, 0xeb, 0xe7, 0xec, 0xdd, 0xf1, 0xe1],
            [0xf9, 0xec, 0xe5, 0xed], [0x5a, 0x61, 0xbf, 0xf3, 0xb3, 0xe6],
            [0xc4, 0xe3, 0xba, 0xc3, 0xca, 0xc0, 0xbd, 0xe7],
            [0x82, 0xb1, 0x82, 0xf1, 0x82, 0xc9, 0x82, 0xbf, 0x82, 0xcd, 0x81, 0x41], [0x47, 0x72, 0x9f, 0xa7, 0x65],
            [0x81], [0x61, 0x8d, 0x61],
        ] as [[UInt8]]) func otherCodePagesAreRefused(bytes: [UInt8])
    {
        #expect(throws: BulkUploadErrors.self) { try Self.read(Array("FromPhoneNumber,Content\n1,".utf8) + bytes) }
    }

    @Test func aTextOfUTF8WithOneBadByteStaysUTF8() throws {
        let text = Array("Привет, мир ".utf8)
        #expect(try Self.read(text + [0xff]) == (nil, .utf8))
        // An emoji that was cut.
        #expect(try Self.read(Array("Grüße ".utf8) + [0xf0, 0x9f, 0x98]) == (nil, .utf8))
        #expect(try Self.read([0xef, 0xbb, 0xbf, 0x61, 0xe9]) == (nil, .utf8))
    }

    @Test func aCharsetThatIsNamedCounts() throws {
        let cyrillic: [UInt8] = [0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]
        #expect(throws: BulkUploadErrors.self) { try Self.read(cyrillic, charset: "windows-1251") }
        #expect(throws: BulkUploadErrors.self) { try Self.read(Array("a".utf8), charset: "shift_jis") }
        #expect(try Self.read(cyrillic, charset: "windows-1252").1 == .windows1252)
        #expect(try Self.read(Array("é".utf8), charset: "utf-8") == ("é", .utf8))
        #expect(throws: BulkUploadErrors.self) { try Self.read([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]) }
    }

    @Test(
        arguments: [
            { (count: Int) in Array(repeating: 0xe9, count: count) },
            { count in [0xff, 0xfe] + Array(repeating: 0xd8, count: count) },
            { count in Array(repeating: 0xf0, count: count) + [0x61] },
            { count in (0..<count).flatMap { _ in [0x61, 0xe9, 0xb9] as [UInt8] } },
            { count in (0..<count).flatMap { _ in [0xc3, 0xa9] as [UInt8] } },
        ] as [@Sendable (Int) -> [UInt8]]) func noByteIsLookedAtMoreThanThreeTimes(shape: @Sendable (Int) -> [UInt8])
    {
        for count in [10_000, 20_000, 40_000] {
            let bytes = shape(count)
            // Whether it is text or not, no more is looked at.
            guard let text = try? SheetText(bytes[...], charset: nil) else { continue }
            #expect(text.bytesExamined <= 3 * bytes.count)
            #expect(text.bytes.count <= 3 * bytes.count)
        }
    }
}
