import TestSupport
import Testing

@testable import Gateway

/// Workbooks that no program writes: each is an error of the file, and the server lives on.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct HostileWorkbookTests {
    private static func rows(_ workbook: Workbook) throws -> [BulkRow] { try workbook.read().rows }

    /// Rows below the first that cannot be.
    static let impossible: [String] = [
        "<row r=\"9223372036854775807\"><c r=\"A1\"/></row><row/>", "<row r=\"1048577\"/>",
        "<row r=\"1048576\"/><row/>",
        "<row r=\"0\"/>", "<row r=\"-1\"/>", "<row r=\"+2\"/>", "<row r=\"2.0\"/>", "<row r=\"\"/>", "<row r=\"x\"/>",
        "<row r=\"99999999999999999999999\"/>", "<row r=\"2\"/><row r=\"2\"/>", "<row r=\"3\"/><row r=\"2\"/>",
        "<row r=\"2\"><c r=\"A2\"/><c r=\"A2\"/></row>", "<row r=\"2\"><c r=\"B2\"/><c r=\"A2\"/></row>",
        "<row r=\"2\"><c r=\"A3\"/></row>", "<row r=\"2\"><c r=\"XFE2\"/></row>",
        "<row r=\"2\"><c r=\"XFD2\"/><c/></row>",
        "<row r=\"2\"><c r=\"AAAAAAAAAAAAAAA2\"/></row>", "<row r=\"2\"><c r=\"A9223372036854775808\"/></row>",
        "<row r=\"2\"><c r=\"2\"/></row>", "<row r=\"2\"><c r=\"\"/></row>",
        "<row r=\"2\"><c t=\"s\"><v>0</v></c></row>", "<row r=\"2\"><c t=\"s\"><v>-1</v></c></row>",
        "<row r=\"2\"><c t=\"s\"><v>9223372036854775808</v></c></row>", "<row r=\"2\"><c t=\"s\"><v>nan</v></c></row>",
        "<row r=\"2\"><c t=\"s\"/></row>", "<row r=\"2\">\(String(repeating: "<c>", count: 30_000))",
        "<row r=\"2\">\(String(repeating: "<c>", count: 100))\(String(repeating: "</c>", count: 100))</row>",
        "<row r=\"2\" \((0..<65).map { "a\($0)=\"\"" }.joined(separator: " "))/>", "<row r=\"2\"><c></row></c>",
        "</row>",
        "<row r=\"2\"><c><v>&bomb;</v></c></row>", "<row r=\"2\"><c><v>&#0;</v></c></row>",
        "<row r=\"2\"><c><v>&#x110000;</v></c></row>", "<row r=\"2\"><c><v>&#xFFFFFFFFF;</v></c></row>",
        "<row r=\"2\"><c><v>&#-1;</v></c></row>", "<row r=\"2\"><c><v>&", "<row r=\"2\" r", "<row r=\"2\" r=",
        "<row r=\"2",
        "<!-- ", "<![CDATA[ ", "<? ", "<!", "<", "<row r=\"2\"/ >", "<!ELEMENT a>",
    ]

    @Test(arguments: impossible) func anImpossibleSheetIsAnErrorOfTheFile(rows: String) {
        #expect(throws: BulkUploadErrors.self) { try Self.rows(Workbook(rows: rows)) }
    }

    @Test func anImpossibleSheetIsAnsweredAndTheServerLivesOn() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for rows in Self.impossible {
                let answer = try await account.upload("a.xlsx", Workbook(rows: rows).bytes)
                #expect(answer.status == 422, "\(rows.prefix(80)) \(answer)")
            }
            #expect(try await server.client.get("/health").status == 200)
        }
    }

    @Test(arguments: [
        "nan", "-nan", "inf", "-inf", "infinity", "1e308", "-1e308", "1e400", "9223372036854775808",
        "-9223372036854775809",
        "2958466", "-1", "1e-400", "0x1p1023", "4.9E-324", "-0", "00000000000000000000000000000", "",
    ]) func numbersAtBothEndsAreShown(number: String) throws {
        var workbook = Workbook(
            rows: "<row r=\"2\">\("ABCDE".map { "<c r=\"\($0)2\" s=\"1\"><v>\(number)</v></c>" }.joined())</row>")
        workbook.parts["xl/styles.xml"] = Array(
            "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>".utf8)
        for epoch in ["0", "1"] {
            workbook.parts["xl/workbook.xml"] = Array("<workbook><workbookPr date1904=\"\(epoch)\"/></workbook>".utf8)
            #expect(try Self.rows(workbook).count <= 1)
        }
    }

    @Test(arguments: ["2", "-1", "9223372036854775808", "x", ""]) func aStyleThatIsNotThereIsAnError(style: String) {
        var workbook = Workbook(rows: "<row r=\"2\"><c s=\"\(style)\"><v>1</v></c></row>")
        workbook.parts["xl/styles.xml"] = Array(
            "<styleSheet><cellXfs><xf numFmtId=\"99999999999999999999\"/><xf/></cellXfs></styleSheet>".utf8)
        #expect(throws: BulkUploadErrors.self) { try Self.rows(workbook) }
    }

    @Test func partsThatAreNotUTF8OrHaveADocumentTypeAreRefused() throws {
        let sheet = Workbook.sheet("<row r=\"1\"/>")
        let wide = { (order: (UInt16) -> [UInt8]) in sheet.utf16.flatMap(order) }
        let big = wide { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
        let little = wide { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        let type = Array("<!DOCTYPE a [<!ENTITY b \"c\">]>".utf8)
        let plain = Array(sheet.utf8)
        var bad: [[UInt8]] = [
            [], [0xfe, 0xff] + big, [0xff, 0xfe] + little, big, little, [0xff, 0xfe, 0, 0] + plain, plain + [0],
            plain + plain,
            type + plain, Array("<!doctype a>".utf8) + plain, plain + Array("text".utf8),
        ]
        for encoding in ["UTF-16", "utf-7", "ISO-8859-1", "UCS-4", "x", ""] {
            bad.append(Array(sheet.replacing("UTF-8", with: encoding).utf8))
        }
        for bytes in bad {
            var workbook = Workbook(sheet: "")
            workbook.parts["xl/worksheets/sheet1.xml"] = bytes
            #expect(throws: BulkUploadErrors.self) { try Self.rows(workbook) }
        }
        for good in [plain, [0xef, 0xbb, 0xbf] + plain, Array(sheet.replacing("UTF-8", with: "us-ascii").utf8)] {
            var workbook = Workbook(sheet: "")
            workbook.parts["xl/worksheets/sheet1.xml"] = good
            #expect(try Self.rows(workbook).isEmpty)
        }
    }

    @Test func whatLooksLikeMarkupIsText() throws {
        let rows = try Self.rows(
            Workbook(
                rows: """
                    <!-- <row r="1"> ]]> --><?x <row> ?><x:row r="2" a='>"!--'>
                    <c r="C2" t="inlineStr"><is><t>a&lt;b<![CDATA[<c>&amp;]]>&#x41;&#66;</t><rPh><t>x</t></rPh></is></c>
                    </x:row><row r="4"><c r="C4" t="str"><f>"x"</f><v>of a formula</v></c></row>
                    """))

        #expect(rows.map(\.content) == ["a<b<c>&amp;AB", "of a formula"])
        #expect(rows.map(\.number) == [2, 4])
    }

    /// A workbook in which the relationships have names and prefixes of their own, as some libraries write it.
    private static func odd(_ sheets: String, kinds: [String] = ["chartsheet", "worksheet"]) -> Workbook {
        var workbook = Workbook(rows: "")
        let root = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        func relationships(_ all: [(String, String, String)]) -> [UInt8] {
            let all = all.map { "<x:Relationship Id=\"\($0)\" Type=\"\(root)/\($1)\" Target=\"\($2)\"/>" }.joined()
            return Array("<x:Relationships>\(all)</x:Relationships>".utf8)
        }
        workbook.parts = [
            "_rels/.rels": relationships([("a", "officeDocument", "/book/main.xml")]),
            "book/main.xml": Array("<w:workbook><w:sheets>\(sheets)</w:sheets></w:workbook>".utf8),
            "book/_rels/main.xml.rels": relationships([
                ("a", kinds[0], "../charts/one.xml"), ("b", kinds[1], "./sheets/b.xml"),
                ("c", "worksheet", "/book/sheets/c.xml"), ("d", "sharedStrings", "texts.xml"),
            ]),
            "charts/one.xml": Array("<chartsheet/>".utf8),
            "book/texts.xml": Array("<sst><si><t>shared</t></si></sst>".utf8),
        ]
        for name in ["b", "c"] {
            let row = "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c r=\"C2\" t=\"str\"><v>\(name)</v></c></row>"
            workbook.parts["book/sheets/\(name).xml"] = Array(Workbook.sheet(Workbook.header + row).utf8)
        }
        return workbook
    }

    @Test(arguments: [
        ("<w:sheet name=\"1\" sheetId=\"7\" d3p1:id=\"a\"/><w:sheet sheetId=\"1\" d3p1:id=\"b\"/>", "b"),
        ("<w:sheet rel:id=\"c\" sheetId=\"7\"/><w:sheet rel:id=\"b\"/>", "c"),
        (
            "<w:sheet rel:id=\"c\" state=\"hidden\"/><w:sheet rel:id=\"a\"/><w:sheet rel:id=\"b\" state=\"visible\"/>",
            "b"
        ),
        ("<w:sheet rel:id=\"b\" state=\"veryHidden\"/><w:sheet rel:id=\"c\"/>", "c"),
    ]) func partsAreFoundByTheirRelationships(sheets: String, content: String) throws {
        let rows = try Self.odd(sheets).read().rows
        #expect(rows.map(\.content) == [content])
        #expect(rows.map(\.from) == ["shared"])
    }

    @Test(arguments: [
        "<w:sheet r:id=\"a\"/>", "<w:sheet r:id=\"b\" state=\"hidden\"/>", "<w:sheet r:id=\"x\"/><w:sheet r:id=\"y\"/>",
        "",
    ]) func aWorkbookWithoutASheetToSendIsRefused(sheets: String) {
        #expect(throws: BulkUploadErrors.self) { try Self.odd(sheets).read() }
    }

    @Test func aWorkbookWithTooManyCellsIsToldSo() throws {
        let cells = String(repeating: "<c><v>1</v></c>", count: 58)
        let error = #expect(throws: BulkUploadErrors.self) {
            try Workbook(rows: String(repeating: "<row>\(cells)</row>", count: 999)).read()
        }
        #expect(
            error?.messages == [
                """
                The uploaded excel file [a.xlsx] has too many cells: more than 200,000 tags. Remove the columns and rows that \
                are not needed.
                """
            ])
    }

    @Test(arguments: [
        ("t=\"e\"", "#GETTING_DATA", "The cell C2 is an error (#GETTING_DATA)."),
        ("t=\"e\"", "", "The cell C2 is an error ()."),
        ("", "0x10", "The cell C2 is not a number (0x10)."), ("", "nan", "The cell C2 is not a number (nan)."),
        ("t=\"n\"", "1 2", "The cell C2 is not a number (1 2)."), ("", "1e999", "The cell C2 is not a number (1e999)."),
        ("t=\"x\"", "1", "The cell C2 is of a kind that nobody knows."),
        ("t=\"d\"", "2026-11-28T10:00:00.000", "The column Content holds a date. Format the cell as text."),
        ("t=\"d\"", "2026-11-28", "The column Content holds a date. Format the cell as text."),
        ("t=\"d\"", "10:00:00", "The cell C2 is a time without a date (10:00:00)."),
        ("s=\"1\"", "46000", "The column Content holds a date. Format the cell as text."),
        ("s=\"1\"", "0.5", "The cell C2 is a time without a date (12:00:00)."),
    ]) func aCellThatSaysNothingIsAnErrorOfItsRow(attributes: String, value: String, reason: String) throws {
        var workbook = Workbook(rows: "<row r=\"2\"><c r=\"C2\" \(attributes)><v>\(value)</v></c></row>")
        workbook.parts["xl/styles.xml"] = Array(
            "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>".utf8)
        #expect(try workbook.read().problems.map(\.reason) == [reason])
    }

    @Test func aStringThatManyCellsShareIsCountedForEach() {
        let rows = (2...200).map { "<row r=\"\($0)\"><c r=\"C\($0)\" t=\"s\"><v>0</v></c></row>" }.joined()
        var workbook = Workbook(rows: rows)
        workbook.parts["xl/sharedStrings.xml"] = Array(
            "<sst><si><t>\(String(repeating: "x", count: 100_000))</t></si></sst>".utf8)
        #expect(throws: BulkUploadErrors.self) { try Self.rows(workbook) }
    }

    @Test func archivesThatLieAreRefused() throws {
        let good = Workbook(rows: "<row r=\"2\"><c r=\"C2\"><v>1</v></c></row>")
        #expect(try Self.rows(good).count == 1)
        var many = good
        for index in 0..<1_001 { many.parts["\(index)"] = [] }
        #expect(throws: BulkUploadErrors.self) { try Self.rows(many) }
        for method: UInt8 in [1, 9, 12, 14, 93, 95, 99] {
            var other = good
            other.method = method
            #expect(throws: BulkUploadErrors.self) { try Self.rows(other) }
        }
        let bytes = good.bytes
        for index in bytes.indices {
            for byte: UInt8 in [0, 0xff] {
                var changed = bytes
                changed[index] = byte
                // Refusing it is an answer, and so is reading what is left.
                _ = try? XLSXSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: changed[...]))
            }
            // As above.
            _ = try? XLSXSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: bytes[..<index]))
        }
    }

    /// Each shape was worse than linear in some reader of XML.
    @Test(
        arguments: [
            { (count: Int) in "<row r=\"2\">\(String(repeating: "<c/>", count: count))</row>" },
            { count in String(repeating: "&lt;", count: count) },
            { count in "<!--\(String(repeating: "-", count: count))-->" },
            { count in "<!--\(String(repeating: "->", count: count))-->" },
            { count in "<![CDATA[\(String(repeating: "]", count: count))]]>" },
            { count in "<\(String(repeating: "a", count: count))/>" },
            { count in String(repeating: "<a>\r\n</a>", count: count) },
            { count in "<row a=\"\(String(repeating: "\n", count: count))\"/>" },
        ] as [@Sendable (Int) -> String]) func noByteOfXMLIsTakenTwice(shape: @Sendable (Int) -> String) throws
    {
        for count in [10_000, 20_000, 40_000] {
            let bytes = Array(Workbook.sheet(shape(count)).utf8)
            var xml = try XMLReader(bytes)
            while try xml.next() != nil {}
            #expect(xml.bytesExamined == bytes.count)
        }
    }

    @Test func tagsAndDepthAreBounded() throws {
        func read(_ text: String) throws {
            var xml = try XMLReader(Array(text.utf8))
            while try xml.next() != nil {}
        }
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        try read(nested(64))
        #expect(throws: XMLReader.Fault.damaged) { try read(nested(65)) }
        #expect(throws: XMLReader.Fault.damaged) { try read(nested(1_000_000)) }
        try read("<a>\(String(repeating: "<b/>", count: 199_998))</a>")
        #expect(throws: XMLReader.Fault.tooLarge) { try read("<a>\(String(repeating: "<b/>", count: 200_000))</a>") }
    }
}
