import TestSupport
import Testing

@testable import Gateway

/// Comma-separated values as people and programs write them.
@Suite(.timeLimit(.minutes(1))) struct CSVReaderTests {
    private static func rows(_ text: String) throws -> [[String]] { try rows(Array(text.utf8)) }

    private static func rows(_ bytes: [UInt8]) throws -> [[String]] {
        var reader = CSVReader(bytes[...])
        var rows: [[String]] = []
        while let row = try reader.next() { rows.append(row) }
        return rows
    }

    @Test(
        arguments: [
            ("", []), ("a", [["a"]]), ("a,b\n", [["a", "b"]]), ("a,\n", [["a", ""]]), (",", [["", ""]]),
            ("a\nb\r\nc\rd", [["a"], ["b"], ["c"], ["d"]]), ("\n\n", [[""], [""]]), ("\r\n\r\n", [[""], [""]]),
            ("\"a,b\",\"c\"\"d\",\"e\nf\r\"", [["a,b", "c\"d", "e\nf\r"]]), ("\u{FEFF}\"a\"", [["a"]]),
            ("\"\"", [[""]]),
            ("\"\"\"\"", [["\""]]), (" \"a , b\" ,c", [["a , b ", "c"]]), ("5\" pipe,x", [["5\" pipe", "x"]]),
            ("\"a\"b\"c\"", [["ab\"c\""]]), ("e\u{301},\u{301}\n", [["e\u{301}", "\u{301}"]]),
            ("a\0b", [["a\u{FFFD}b"]]),
            (",\u{301}", [["", "\u{301}"]]), ("\"\u{301}a\"\u{301},b", [["\u{301}a\u{301}", "b"]]),
        ] as [(String, [[String]])]) func rowsAreCut(text: String, rows: [[String]]) throws
    {
        #expect(try Self.rows(text) == rows)
    }

    @Test(arguments: ["\"", "a,\"b", "\"a\"\"", "a\n\"\n\n\n,,"]) func aQuoteThatIsNeverClosedIsAFault(text: String) {
        #expect(throws: CSVReader.Fault.damaged) { try Self.rows(text) }
    }

    @Test func whatIsNotUTF8IsAFault() {
        #expect(throws: CSVReader.Fault.damaged) { try Self.rows([0x61, 0xff]) }
        #expect(throws: CSVReader.Fault.damaged) { try Self.rows([0xc3, 0x2c, 0xa9]) }
    }

    @Test func columnsAreBounded() throws {
        #expect(try Self.rows(String(repeating: ",", count: 99))[0].count == 100)
        #expect(throws: CSVReader.Fault.tooManyColumns) { try Self.rows(String(repeating: ",", count: 100)) }
        #expect(throws: CSVReader.Fault.tooManyColumns) {
            try Self.rows("a\n" + String(repeating: "\"\",", count: 100))
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
            var reader = CSVReader(bytes[...])
            while try reader.next() != nil {}
            #expect(reader.bytesExamined == bytes.count)
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
