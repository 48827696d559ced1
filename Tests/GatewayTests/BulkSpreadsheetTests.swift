import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// `/v1/bulk-messages` with Excel files that openpyxl and XlsxWriter write.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BulkSpreadsheetTests {
    private static let titles: JSON = [
        "FromPhoneNumber", "ToPhoneNumber", "Content", "SendTime(optional)", "AttachmentURLs(optional)",
    ]

    /// The libraries that write workbooks, by their functions of the judge.
    static let writers = ["write", "write_xlsxwriter"]

    private static func workbook(
        _ sheets: [(name: String, rows: [JSON])], _ more: [String: JSON] = [:], by writer: String = "write"
    ) async throws -> [UInt8] {
        let sheets = sheets.map { JSON.array([.string($0.name), .array($0.rows)]) }
        let answer = try await Python.ask("spreadsheet", writer, ["sheets": .array(sheets)].merging(more) { $1 })
        guard case .accepted(let text) = answer, let data = Data(base64Encoded: text.string) else { return [] }
        return Array(data)
    }

    @Test func cellsAreReadAsTheyAreShown() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            _ = try await account.client.put("/v1/users/me", ["timezone": "America/New_York"])
            let soon = server.clock.now() + .seconds(3 * 86_400)
            let day = String(soon.rfc3339.prefix(10))
            // Eastern time: what the calendar of the day says, so that the test holds on both sides of a change.
            let zone = try #require(TimeZone(identifier: "America/New_York"))
            let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(soon.microseconds) / 1e6)) / 3_600
            let number: JSON = 18_005_550_199
            let rows: [JSON] = [
                Self.titles,
                [number, 18_005_550_101, "Text", ["date": .string("\(day)T15:30:00")]],
                .null,
                ["+18005550199", "+18005550102", 12_345],
                [number, "+18005550103", 1.5, ["date": .string("\(day)T15:30:00"), "format": "[$-409]d/m/yy h:mm;@"]],
                [number, 18_005_550_104, ["runs": ["bold ", "& plain"]], .string("\(day)T15:30:00Z")],
                [number, 18_005_550_105, true, .null, "https://example.com/a.png,https://example.com/b.png"],
                [number, 18_005_550_106, "  spaces <&> \"quotes\"\nand lines  ", .string("")],
            ]

            let bytes = try await Self.workbook([("Numbers", rows)])
            let answer = try await account.upload("numbers.xlsx", bytes)

            #expect(answer.status == 202, "\(answer)")
            let messages = try await account.allMessages()
            #expect(messages.map { $0["contact"].string } == (1...6).map { "+1800555010\($0)" })
            let contents: [JSON] = ["Text", "12345", "1.5", "bold & plain", "TRUE", "spaces <&> \"quotes\"\nand lines"]
            #expect(messages.map { $0["content"] } == contents)
            let local = "\(day)T\(15 - offset + 0):30:00Z"
            let times: [JSON] = [.string(local), .null, .string(local), .string("\(day)T15:30:00Z"), .null, .null]
            #expect(messages.map { $0["scheduled_send_time"] } == times)
            #expect(messages[4]["attachments"].array.count == 2)
        }
    }

    /// What a row with one content, and maybe a time, is read as: the content, or what is wrong.
    private static func read(_ cells: [JSON], by writer: String) async throws -> [String] {
        let rows: [JSON] = cells.map { ["+18005550199", 18_005_550_100, $0] }
        let bytes = try await workbook([("One", [titles] + rows)], by: writer)
        let sheet = try BulkSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: bytes[...]))
        let problems = Dictionary(sheet.problems.map { ($0.rows.first ?? 0, $0.reason) }) { $1 }
        return sheet.rows.map { problems[$0.number] ?? $0.content }
    }

    @Test(arguments: writers) func numbersAreSentAsTheirCellsShowThem(writer: String) async throws {
        let table: [(value: Double, format: String, shown: String)] = [
            (1.1000000000000001, "General", "1.1"), (0.30000000000000004, "General", "0.3"), (42, "00000", "00042"),
            (1_234.5, "#,##0.00", "1,234.50"), (0.07, "0%", "7%"), (0.1234, "0.00%", "12.34%"),
            (1_234.5, "\"$\"#,##0.00_);(\"$\"#,##0.00)", "$1,234.50"), (-5, "\"$\"#,##0_);(\"$\"#,##0)", "($5)"),
            (9.9, "[$€-2]#,##0.00", "€9.90"), (9.9, "#,##0.00\\ \"€\"", "9.90 €"), (3, "0 \"pieces\"", "3 pieces"),
            (-1_234, "#,##0_);[Red](#,##0)", "(1,234)"), (0, "0;-0;\"none\"", "none"), (12, "@", "12"), (2.5, "0", "3"),
            (18_005_550_199, "[<=9999999]###-####;(###) ###-####", "C17"), (1_234, "0.00E+00", "C18"),
            (0.5, "# ?/?", "C19"), (1_234_567, "0.0,,\"M\"", "C20"), (1e20, "General", "C21"),
        ]
        let found = try await Self.read(
            table.map { ["value": .double($0.value), "format": .string($0.format)] }, by: writer)

        for (row, text) in zip(table, found) {
            if row.shown.hasPrefix("C") {
                #expect(text.hasPrefix("The cell \(row.shown) has the number format ["), "\(row) \(text)")
            } else {
                #expect(text == row.shown)
            }
        }
        #expect(found.count == table.count)
    }

    @Test(arguments: [
        ("line1\r\nline2", "line1\r\nline2"), ("_x0041_ stays", "_x0041_ stays"), ("tab\tend", "tab\tend"),
        ("#N/A", "The cell C2 is an error (#N/A)."),
    ]) func textIsReadAsItWasWritten(text: String, content: String) async throws {
        #expect(try await Self.read([.string(text)], by: "write_xlsxwriter") == [content])
    }

    @Test func formulasCountAsTheyWereCalculated() async throws {
        let formula = { (value: JSON) in JSON.object(["formula": "=A1", "value": value]) }
        let found = try await Self.read(
            [formula("of a formula"), formula(7), formula("#DIV/0!"), formula(0)], by: "write_xlsxwriter")
        let uncalculated = """
            The cell C5 has a formula that was not calculated yet. Open the file in a spreadsheet program and save it.
            """
        #expect(found == ["of a formula", "7", "The cell C4 is an error (#DIV/0!).", uncalculated])
        // openpyxl calculates nothing, and says so by an empty value.
        let bare = try await Self.read(["=A1", "x"], by: "write")
        #expect(bare == [uncalculated.replacing("C5", with: "C2"), "x"])
    }

    /// An empty time means now: a time that cannot be read must never be an empty one.
    @Test(arguments: writers) func aTimeThatIsNoneIsAnErrorOfItsRow(writer: String) async throws {
        let times: [JSON] = [
            ["time": "10:00", "format": "hh:mm"], ["date": "1950-01-01T10:00:00"], ["date": "2025-11-28T10:00:00"],
            "10:00", 20_261_128,
            true, ["value": 46_000.5, "format": "[h]:mm"], ["value": -1, "format": "yyyy-mm-dd"], "=NOW()",
        ]
        let rows: [JSON] = times.map { ["+18005550199", 18_005_550_100, "Hi", $0] }
        let bytes = try await Self.workbook([("One", [Self.titles] + rows)], by: writer)
        let sheet = try BulkSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: bytes[...]))
        // 2026-09-21
        let upload = try BulkUpload(sheet, timezone: "UTC", at: Timestamp(microseconds: 1_790_000_000_000_000))

        let error = #expect(throws: BulkUploadErrors.self) { try upload.check(known: ["+18005550199"]) }

        #expect(error?.problems.map(\.rows) == (2...10).map { [$0] }, "\(error?.messages ?? [])")
        #expect(error?.problems.allSatisfy { $0.column == "SendTime" } == true)
        #expect(error?.messages.first == "Row [2]: The cell D2 is a time without a date (10:00:00).")
    }

    @Test func datesMayBeTextOfISO8601() async throws {
        let times: [JSON] = [["date": "2026-11-28T10:00:00.250"], ["date": "2026-11-28T10:00:00"], ["time": "10:00"]]
        let rows: [JSON] = times.map { ["+18005550199", 18_005_550_100, "Hi", $0] }
        let bytes = try await Self.workbook([("One", [Self.titles] + rows)], ["iso": true])
        let sheet = try BulkSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: bytes[...]))
        let upload = try BulkUpload(sheet, timezone: "UTC", at: Timestamp(microseconds: 1_795_800_000_000_000))

        let time = Timestamp(rfc3339: "2026-11-28T10:00:00Z")
        #expect(upload.items.map(\.sendAt) == [time, time, nil])
        #expect(sheet.problems.map(\.reason) == ["The cell D4 is a time without a date (10:00:00)."])
    }

    @Test(arguments: writers) func hiddenSheetsAreNotSent(writer: String) async throws {
        let sheet = { (content: JSON) in [Self.titles, ["+18005550199", "+18005550100", content]] }
        let sheets = [
            ("One", sheet("wrong")), ("Two", sheet("wrong")), ("Three", sheet("right")), ("Four", sheet("wrong")),
        ]
        let bytes = try await Self.workbook(sheets, ["hidden": ["One", "Two"]], by: writer)

        let read = try BulkSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: bytes[...]))

        #expect(read.rows.map(\.content) == ["right"])
    }

    @Test(arguments: writers) func aSheetWithoutNamesOfColumnsIsRefused(writer: String) async throws {
        let bytes = try await Self.workbook([("One", [[18_005_550_199, "+18005550100", "Hi"]])], by: writer)
        let error = #expect(throws: BulkUploadErrors.self) {
            try BulkSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: bytes[...]))
        }
        #expect(error?.messages.first?.hasPrefix("The first row must name the columns: FromPhoneNumber, ") == true)
    }

    @Test func columnsAreFoundByTheirNamesInAnyOrder() async throws {
        let rows: [JSON] = [
            .null, ["Note", "content", "To Phone Number", .null, "FROMPHONENUMBER", "Send Time (optional)"],
            ["x", "Hi", 18_005_550_100, "y", 18_005_550_199, "2026-11-28T10:00:00"],
        ]
        let bytes = try await Self.workbook([("One", rows)])
        let row = try BulkSheet.read(UploadedFile(name: "A.XLSX", contentType: "", bytes: bytes[...])).rows
        #expect(row.map { [$0.from, $0.to, $0.content] } == [["18005550199", "18005550100", "Hi"]])
        #expect(row.map(\.number) == [3])
    }

    @Test func theFirstSheetCountsWhateverItsFile() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let sheet = { (content: JSON) in [Self.titles, ["+18005550199", "+18005550100", content]] }
            let bytes = try await Self.workbook(
                [("One", sheet("wrong")), ("Two", sheet("right"))], ["first": 1, "epoch1904": true])

            #expect(try await account.upload("a.xlsx", bytes).status == 202)
            #expect(try await account.allMessages().map { $0["content"] } == ["right"])
        }
    }

    @Test func daysCanBeCountedFrom1904() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let day = String((server.clock.now() + .seconds(3 * 86_400)).rfc3339.prefix(10))
            let row: JSON = ["+18005550199", "+18005550100", "Hi", ["date": .string("\(day)T15:30:00")]]
            let bytes = try await Self.workbook([("One", [Self.titles, row])], ["epoch1904": true])

            #expect(try await account.upload("a.xlsx", bytes).status == 202)
            #expect(try await account.allMessages()[0]["scheduled_send_time"].string == "\(day)T15:30:00Z")
        }
    }

    @Test func errorsNameTheRowOfTheSheet() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let good: JSON = ["+18005550199", "+18005550100", "Hi"]
            let bytes = try await Self.workbook([
                (
                    "One",
                    [Self.titles, good, .null, .null, [.null, "+18005550100", "Hi"], good, ["+18005550199", "x"]]
                )
            ])

            let answer = try await account.upload("a.xlsx", bytes)

            #expect(
                answer.json
                    == Envelope.invalid(
                        BulkMessageTests.message,
                        [
                            "document": [
                                "Row [5]: The FromPhoneNumber [] is not a valid E.164 phone number",
                                "Row [7]: The ToPhoneNumber [x] is not a valid E.164 phone number",
                                "Row [7]: The message content is required.",
                            ]
                        ]))
        }
    }

    @Test func aWorkbookThatUnpacksToTooMuchIsRefused() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let answer = try await Python.ask("spreadsheet", "bomb", ["megabytes": 64])
            guard case .accepted(let text) = answer, let data = Data(base64Encoded: text.string) else {
                Issue.record("\(answer)")
                return
            }
            let refused = try await account.upload("bomb.xlsx", Array(data))
            #expect(data.count < 100_000)
            #expect(refused.status == 422)
            #expect(
                refused.data["document"] == [
                    "The uploaded excel file [bomb.xlsx] is larger than 16 MB once it is unpacked."
                ])
        }
    }

    @Test(arguments: [
        ("A1", 0, 1), ("E17", 4, 17), ("AA3", 26, 3), ("XFD1048576", 16_383, 1_048_576), ("B007", 1, 7),
    ]) func placesAreLettersAndANumber(text: String, column: Int, row: Int) {
        #expect(XLSXPlace(text)?.column == column)
        #expect(XLSXPlace(text)?.row == row)
        #expect(XLSXPlace(XLSXPlace.name(column: column, row: row)) == XLSXPlace(text))
    }

    @Test(arguments: [
        "", "5", "A", "a1", "A0", "A-1", "A+1", "A1048577", "A9223372036854775808", "A000000001", "XFE1", "ZZZ1",
        "AAAA1",
        "A1B", "$A$1", "A１", "R1C1", "A 1",
    ]) func whatIsNoPlaceOfASheetIsNone(text: String) {
        #expect(XLSXPlace(text) == nil)
    }
}
