import TestSupport
import Testing

@testable import Gateway

/// Comma-separated values as people and programs write them.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct CSVReaderTests {
    private static func rows(_ bytes: [UInt8], separator: Character = ",") throws -> [CSVReader.Row] {
        var reader = CSVReader(bytes[...], separator: separator.asciiValue ?? 0)
        var rows: [CSVReader.Row] = []
        while let row = try reader.next() { rows.append(row) }
        return rows
    }

    @Test(
        arguments: [
            ("", []), ("a", [["a"]]), ("a,b\n", [["a", "b"]]), ("a,\n", [["a", ""]]), (",", [["", ""]]),
            ("a\nb\r\nc\rd", [["a"], ["b"], ["c"], ["d"]]), ("\n\n", [[""], [""]]), ("\r\n\r\n", [[""], [""]]),
            ("\"a,b\",\"c\"\"d\",\"e\nf\r\"", [["a,b", "c\"d", "e\nf\r"]]), ("\"\"", [[""]]),
            ("\"\"\"\"", [["\""]]), (" \"a , b\" ,c", [["a , b ", "c"]]), ("5\" pipe,x", [["5\" pipe", "x"]]),
            ("TV 50\" now,\"TV 50\"\" now\"", [["TV 50\" now", "TV 50\" now"]]),
            ("e\u{301},\u{301}\n", [["e\u{301}", "\u{301}"]]), ("a\0b", [["a\u{FFFD}b"]]),
            (",\u{301}", [["", "\u{301}"]]), ("\"\u{301}a\"\u{301},b", [["\u{301}a\u{301}", "b"]]),
            // A joiner, a variation selector and a sign that takes the next character in: none of them hides a comma.
            ("\"a, b\"\u{200D},c", [["a, b\u{200D}", "c"]]), ("\u{200D}a,\u{FE0F}b", [["\u{200D}a", "\u{FE0F}b"]]),
            ("\"one, two \u{06DD}\",c", [["one, two \u{06DD}", "c"]]), ("x\u{0600},c", [["x\u{0600}", "c"]]),
            ("\u{093F}a,\u{0E33}b", [["\u{093F}a", "\u{0E33}b"]]), ("👨‍👩‍👧,🇩🇪\n", [["👨‍👩‍👧", "🇩🇪"]]),
        ] as [(String, [[String]])]) func rowsAreCut(text: String, rows: [[String]]) throws
    {
        for separator: Character in [",", ";", "\t", "|"] {
            // The same table as a program with another separator writes it.
            func written(_ text: String) -> [UInt8] {
                text.utf8.map { $0 == UInt8(ascii: ",") ? separator.asciiValue ?? 0 : $0 }
            }
            let found = try Self.rows(written(text), separator: separator)
            #expect(found.map { $0.cells.map { Array($0.utf8) } } == rows.map { $0.map(written) }, "\(separator)")
            #expect(found.allSatisfy { $0.fault == nil })
        }
    }

    @Test(
        arguments: [
            ("\"", [.openQuote]), ("a,\"b", [.openQuote]), ("\"a\"\"", [.openQuote]),
            ("a\n\"\n\n\n,,", [nil, .openQuote]),
            ("\"a\"b\nc", [.strayQuote, nil]), ("\"a\"b\"c\"", [.strayQuote]), ("\"TV\" set,x", [.strayQuote]),
            // Opened in the second row and closed by the quote that opens a cell of the third.
            ("a,b\na,\"hello\na,\"bye\"\na,b", [nil, .strayQuote, nil]), ("\"a\" \"b\"", [.strayQuote]),
        ] as [(String, [CSVReader.Fault?])]) func aQuoteOutOfPlaceIsAFaultOfItsRow(
            text: String, faults: [CSVReader.Fault?]
        ) throws
    {
        #expect(try Self.rows(Array(text.utf8)).map(\.fault) == faults)
    }

    @Test func whatIsNotUTF8IsAFaultOfItsRow() throws {
        #expect(try Self.rows([0x61, 0x0a, 0x61, 0xff, 0x0a, 0x61]).map(\.fault) == [nil, .notText, nil])
        #expect(try Self.rows([0xc3, 0x2c, 0xa9]).map(\.fault) == [.notText])
        #expect(try Self.rows([0xed, 0xa0, 0xbd]).map(\.fault) == [.notText])
    }

    @Test func columnsAreBounded() throws {
        let commas = { (count: Int) in Array(repeating: UInt8(ascii: ","), count: count) }
        #expect(try Self.rows(commas(99))[0].cells.count == 100)
        #expect(throws: CSVReader.TooManyColumns.self) { try Self.rows(commas(100)) }
        #expect(throws: CSVReader.TooManyColumns.self) {
            try Self.rows(Array("a\n".utf8) + Array(String(repeating: "\"\",", count: 100).utf8))
        }
    }

    /// Each shape was worse than linear in some reader of tables.
    @Test(
        arguments: [
            { (count: Int) in String(repeating: "\"", count: 2 * count) },
            { count in "a" + String(repeating: "\u{301}", count: count) },
            { count in String(repeating: "\r", count: count) },
            { count in String(repeating: "\"\",\n", count: count) },
            { count in String(repeating: " ", count: count) + "\"a\"" },
            { count in String(repeating: "\u{1F1E6}", count: count) },
        ] as [@Sendable (Int) -> String]) func noByteIsTakenTwice(shape: @Sendable (Int) -> String) throws
    {
        for count in [10_000, 20_000, 40_000] {
            let bytes = Array(shape(count).utf8)
            for separator in [",", ";", "\t"] as [Character] {
                var reader = CSVReader(bytes[...], separator: separator.asciiValue ?? 0)
                while try reader.next() != nil {}
                #expect(reader.bytesExamined == bytes.count)
                var rest = CSVReader(bytes[...], separator: separator.asciiValue ?? 0)
                _ = rest.isRestBlank()
                #expect(rest.bytesExamined <= bytes.count)
            }
        }
    }

    @Test func aFileOfManyColumnsIsRefusedWithAReason() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let names = (0..<60_000).map { "c\($0)" }.joined(separator: ",")

            let answer = try await account.upload(names + "\n" + String(repeating: "a,b\n", count: 1_000))

            let reason = ["The uploaded file [numbers.csv] has more than 100 columns."]
            #expect(answer.json == Envelope.invalid(BulkMessageTests.message, ["document": reason]))
        }
    }
}
