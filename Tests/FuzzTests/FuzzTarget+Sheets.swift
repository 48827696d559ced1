import Timestamps

@testable import Gateway

extension FuzzTarget {
    /// Uploaded files of messages.
    static let sheets: [FuzzTarget] = [csv, archive, workbook, relationships, sheet, sharedStrings, styles]

    private static let csv = FuzzTarget(
        "csv",
        words: [
            "FromPhoneNumber,ToPhoneNumber,Content\n", "FromPhoneNumber;ToPhoneNumber;Content\n", "SendTime(optional)",
            "\"", "\"\"", ",", ";", "\t", "sep=;\r\n", "\r\n", "\u{FEFF}", "\u{200D}", "\"\u{301}", "#N/A",
        ]
    ) { bytes in
        let file = UploadedFile(name: "a.csv", contentType: "text/csv", bytes: bytes[...])
        let text = try? SheetText(file.bytes, charset: nil)
        try hold((text?.bytes.count ?? 0) <= 3 * bytes.count, "the text is longer than its bytes can be")
        guard let sheet = try? BulkSheet.read(file) else { return }
        let rows = sheet.rows
        for problem in sheet.problems { try hold(problem.reason.utf8.count < 2_000, "a long reason") }
        // What cannot be read is refused as a whole; the rest goes on.
        guard sheet.problems.isEmpty else { return }
        try check(rows)
        try hold(rows.count <= bytes.count, "more rows than bytes")
        // What was read, as a file of quoted cells.
        var quotedRows = "FromPhoneNumber,ToPhoneNumber,Content,SendTime(optional),AttachmentURLs(optional)\n"
        for row in rows {
            let cells = [row.from, row.to, row.content, sendTime(row), row.attachmentURLs]
            quotedRows += cells.map(quoted).joined(separator: ",") + "\n"
        }
        let again = try BulkSheet.read(
            UploadedFile(name: "a.csv", contentType: "text/csv", bytes: Array(quotedRows.utf8)[...])
        ).rows
        try hold(again.map(\.content) == rows.map(\.content), "contents differ when they are read again")
        try hold(again.map(\.to) == rows.map(\.to), "numbers differ when they are read again")
        try hold(again.map(sendTime) == rows.map(sendTime), "times differ when they are read again")
    }

    /// The archive as it is.
    private static let archive = FuzzTarget("xlsx-archive", upTo: 16_384) { bytes in
        try read(bytes)
    }

    /// One part of a workbook whose others are as they should be.
    private static func part(_ name: String, _ path: String, words: [String]) -> FuzzTarget {
        FuzzTarget(name, words: words + ["<", "/>", "</", "=\"", "<!--", "<![CDATA[", "<?xml", "&#x41;"]) {
            bytes in
            var parts = standardParts
            parts[path] = bytes
            try read(StoredArchive.bytes(of: parts))
        }
    }

    private static let workbook = part(
        "xlsx-workbook", "xl/workbook.xml",
        words: [
            "<workbook>", "<workbookPr date1904=\"1\"/>", "<sheets>", "<sheet r:id=\"rId1\"/>", " state=\"hidden\"",
            "<calcPr fullCalcOnLoad=\"1\"/>",
        ])

    private static let relationships = part(
        "xlsx-relationships", "xl/_rels/workbook.xml.rels",
        words: ["<Relationships>", "<Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/>", "/xl/", "../"])

    private static let sheet = part(
        "xlsx-sheet", "xl/worksheets/sheet1.xml",
        words: [
            "<worksheet>", "<sheetData>", "<row r=\"2\">", "<c r=\"A2\" t=\"s\" s=\"1\">", "<v>1</v>", "</c>", "</row>",
            "<is><t>", "inlineStr", "9223372036854775807", "-1", "1e308", "1048577", "t=\"e\"", "t=\"d\"", "t=\"str\"",
            "#N/A",
            "<f>", "0.99999", "2026-11-28T10:00:00.000", "_x000D_", "_xD83D_",
        ])

    private static let sharedStrings = part(
        "xlsx-strings", "xl/sharedStrings.xml", words: ["<sst>", "<si>", "<t>", "<r>", "_x000D_", "_x005F_"])

    private static let styles = part(
        "xlsx-styles", "xl/styles.xml",
        words: [
            "<styleSheet>", "<numFmts>", "<numFmt numFmtId=\"164\" formatCode=\"yyyy\"/>", "<cellXfs>",
            "<xf numFmtId=\"14\"/>", "#,##0.00", "0%", "[$€-407]", "_-* ", "?/?", "[h]:mm", "General", "@", ";", "\\",
        ])

    private static func read(_ bytes: [UInt8]) throws {
        let type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        guard let sheet = try? BulkSheet.read(UploadedFile(name: "a.xlsx", contentType: type, bytes: bytes[...]))
        else { return }
        try check(sheet.rows)
        // What becomes of the rows, the times of their wall clock included.
        for zone in ["UTC", "Pacific/Kiritimati"] {
            _ = try? BulkUpload(sheet, timezone: zone, at: .init(microseconds: 1_790_000_000_000_000))
        }
    }

    /// What holds for the rows of every file.
    private static func check(_ rows: [BulkRow]) throws {
        try hold(rows.count <= 1_048_576, "more rows than a sheet has")
        for row in rows {
            try hold((2...1_048_576).contains(row.number), "a row has the number \(row.number)")
            try hold(![row.from, row.to, row.content].contains { $0.utf8.contains(0) }, "a cell holds a NUL")
        }
    }

    /// A cell in quotes. Byte by byte, as a quote with an accent on it is another character to Swift.
    private static func quoted(_ cell: String) -> String {
        let quote = UInt8(ascii: "\"")
        return "\"" + cell.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }.text + "\""
    }

    private static func sendTime(_ row: BulkRow) -> String {
        if case .text(let text) = row.sendTime { text } else { "" }
    }

    /// A workbook with one message, by the paths of its parts.
    static let standardParts: [String: [UInt8]] = [
        "xl/workbook.xml": """
        <workbook xmlns:r="r"><workbookPr/><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>
        """,
        "xl/_rels/workbook.xml.rels": """
        <Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>
        """,
        "xl/worksheets/sheet1.xml": """
        <worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>2</v></c><c r="C1" t="s"><v>3</v></c>\
        <c r="D1" t="s"><v>4</v></c></row><row r="2"><c r="A2"><v>18005550199</v></c>\
        <c r="B2" t="inlineStr"><is><t>+18005550100</t></is></c><c r="C2" t="s"><v>1</v></c><c r="D2" s="1"><v>46000.5</v>\
        </c></row><row r="3"><c r="A3"><v>1</v></c><c r="C3" s="2"><v>-1234.565</v></c></row></sheetData></worksheet>
        """,
        "xl/sharedStrings.xml": """
        <sst><si><t>FromPhoneNumber</t></si><si><r><t>Hel</t></r><r><t>lo</t></r></si><si><t>ToPhoneNumber</t></si>\
        <si><t>Content</t></si><si><t>SendTime(optional)</t></si></sst>
        """,
        "xl/styles.xml": """
        <styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy"/><numFmt numFmtId="165" formatCode="#,##0.00"/>\
        </numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>
        """,
    ].mapValues { Array($0.utf8) }
}
