import Foundation
import TestSupport
import Testing
import Timestamps
import Wire

@testable import Gateway

/// Files as spreadsheet programs save them.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BulkFileTests {
    private static let names = "FromPhoneNumber,ToPhoneNumber,Content,SendTime(optional),AttachmentURLs(optional)"

    private static func read(_ bytes: [UInt8], name: String = "a.csv") throws -> BulkSheet {
        try BulkSheet.read(UploadedFile(name: name, contentType: "", bytes: bytes[...]))
    }

    private static func read(_ text: String) throws -> BulkSheet { try read(Array(text.utf8)) }

    /// What an account without phones is told of a file.
    private static func problems(_ text: String) -> [String] {
        do {
            let upload = try BulkUpload(read(text), timezone: "UTC", at: Timestamp(microseconds: 1_790_000_000_000_000))
            try upload.check(known: Set(upload.senders))
            return []
        } catch let error as BulkUploadErrors {
            return error.messages
        } catch {
            return ["\(error)"]
        }
    }

    @Test(arguments: [
        "a,b", "a\tb", "a;b", "a|b, c; d", "\"quoted\"", "two\nlines", "5\" pipe", "\u{200D}x", "😀", "\u{301}",
    ]) func theHeaderTellsTheSeparator(content: String) throws {
        let quoted = "\"\(content.replacing("\"", with: "\"\""))\""
        for separator in [",", ";", "\t"] {
            for declared in ["", "sep=\(separator)\r\n", "SEP=\(separator)\n", "\"sep=\(separator)\"\r"] {
                for end in ["\n", "\r\n", "\r"] {
                    let row = ["+18005550199", "+18005550100", quoted, "", ""].joined(separator: separator)
                    let names = Self.names.replacing(",", with: separator)
                    let sheet = try Self.read(declared + names + end + row + end)
                    #expect(Array(sheet.rows.map(\.content).joined().utf8) == Array(content.trimmed.utf8))
                    #expect(sheet.rows.map(\.number) == [2])
                    #expect(sheet.problems.isEmpty)
                }
            }
        }
    }

    @Test(arguments: [
        ("\"Name, first; last\",FromPhoneNumber,ToPhoneNumber,Content\nx;y;z;v,1,2,Hi", "Hi"),
        ("Note;FromPhoneNumber;ToPhoneNumber;Content\na,b,c,d,e;1;2;Hi, you", "Hi, you"),
        ("a,b,c,d,e,f;FromPhoneNumber;ToPhoneNumber;Content\n,;1;2;Hi", "Hi"),
        ("sep=|\nFromPhoneNumber|ToPhoneNumber|Content\n1|2|a,b;c", "a,b;c"),
        ("\n\n,,\nFromPhoneNumber,ToPhoneNumber,Content\n1,2,Hi", "Hi"),
        ("\u{FEFF}\"FromPhoneNumber\";\"ToPhoneNumber\";\"Content\"\n1;2;\"Hi\"", "Hi"),
        ("\u{FEFF}sep=;\nFromPhoneNumber;ToPhoneNumber;Content\n1;2;Hi", "Hi"),
        ("content,TO PHONE NUMBER, from phone number \nHi,1,2", "Hi"),
    ]) func aHeaderIsFound(text: String, content: String) throws {
        #expect(try Self.read(text).rows.map(\.content) == [content])
    }

    @Test(
        arguments: [
            (
                "1,2,Hi\n1,2,Ho\n",
                "The first row must name the columns: FromPhoneNumber, ToPhoneNumber, Content are missing."
            ),
            ("FromPhoneNumber,Content\n1,Hi\n", "The column ToPhoneNumber is missing."),
            ("FromPhoneNumber:ToPhoneNumber:Content\n1:2:Hi", "looks like FromPhoneNumber"),
            (
                "sep=,\nFromPhoneNumber;ToPhoneNumber;Content\n1;2;Hi",
                "The column [FromPhoneNumber;ToPhoneNumber;Content] looks"
            ),
            (
                "FromPhoneNumber,ToPhoneNumber,Content,Send Time (UTC)\n1,2,Hi,",
                "The column [Send Time (UTC)] looks like SendTime."
            ),
            ("FromPhoneNumber,ToPhoneNumber,Content,AttachmentURL\n1,2,Hi,", "looks like AttachmentURLs"),
            ("FromPhoneNumber,ToPhoneNumber,Content,Content\n1,2,Hi,", "The column Content is there twice."),
            ("From\"PhoneNumber,\"ToPhoneNumber\"x,Content\n1,2,Hi,", "Row [1]: Text follows the quote"),
            ("", "doesn't contain any valid records"), ("\n\n", "doesn't contain any valid records"),
            ("FromPhoneNumber,ToPhoneNumber,Content\n", "doesn't contain any valid records"),
        ] as [(String, String)]) func aHeaderThatIsNoneIsTold(text: String, reason: String)
    {
        let problems = Self.problems(text)
        #expect(problems.contains { $0.contains(reason) }, "\(problems)")
    }

    @Test func everyMistakeOfAFileIsToldAtOnce() {
        let good = "+18005550199,+18005550100,Hi,,\n"
        let rows = [
            "\"+18005550199,+18005550100,swallowed,,\n", "\"+1\",x,Hi,,\n", "+18005550199,+18005550100,#N/A,#REF!,\n",
            "+1.8E+10,18005550199,Hi,2020-01-01T00:00:00Z,\n", "x,y,,tomorrow,ftp://x\n", good,
            "+18005550199,+18005550100,\"Say \"hello\"\",,\n", good, "+18005550199,+18005550100,\"open,,\n",
        ]

        #expect(
            Self.problems(Self.names + "\n" + rows.joined()) == [
                """
                Row [2]: Text follows the quote (") that closes a cell. Write quotes within a cell twice, or close the cell \
                before.
                """,
                "Row [3]: The cell is an error of the spreadsheet (#N/A).",
                "Row [3]: The cell is an error of the spreadsheet (#REF!).",
                "Row [4]: The FromPhoneNumber [+1.8E+10] is not a valid E.164 phone number",
                "Row [4]: The SendTime [2020-01-01T00:00:00Z] is more than an hour in the past.",
                "Row [5]: The FromPhoneNumber [x] is not a valid E.164 phone number",
                "Row [5]: The ToPhoneNumber [y] is not a valid E.164 phone number",
                "Row [5]: The message content is required.",
                """
                Row [5]: The SendTime [tomorrow] is not a valid date format. Use RFC3339 (e.g. 2023-11-11T02:10:01Z) or \
                YYYY-MM-DDTHH:MM:SS.
                """,
                "Row [5]: The attachment URL [ftp://x] must use http or https.",
                """
                Row [7]: Text follows the quote (") that closes a cell. Write quotes within a cell twice, or close the cell \
                before.
                """,
                "Row [9]: A quote (\") opens a cell that is never closed.",
            ])
    }

    /// Blank rows were once what ended a file, and what stood behind them was lost without a word.
    @Test func nothingBehindManyBlankRowsIsLost() throws {
        let blank = String(repeating: ",,,,\n", count: 4_990)
        let row = "+18005550199,+18005550100,Hi,,\n"
        #expect(try Self.read(Self.names + "\n" + blank + row + row).rows.map(\.number) == [4_992, 4_993])
        #expect(try Self.read(Self.names + "\n" + row + blank + blank + blank).rows.count == 1)
        #expect(throws: BulkUploadErrors.self) { try Self.read(Self.names + "\n" + row + blank + blank + row) }
    }

    /// Each took minutes, as the last character of a text was looked for from its beginning.
    @Test(
        arguments: [
            { "FromPhoneNumber" + String(repeating: " ", count: $0) + ",ToPhoneNumber,Content\n" },
            { Self.names + "\n1,2,x" + String(repeating: " ", count: $0) + "\n" },
            { Self.names + "\n1,2," + String(repeating: "\u{A0}\u{301}", count: $0) + "x\n" },
            { String(repeating: ";", count: 90) + String(repeating: "\t", count: $0) },
            { String(repeating: "\"", count: $0) }, { "sep=;\n" + String(repeating: "\r", count: $0) },
        ] as [@Sendable (Int) -> String]) func aLongCellTakesNoLongerThanItsBytes(text: @Sendable (Int) -> String)
    {
        for count in [100_000, 200_000, 400_000] { _ = Self.problems(text(count)) }
    }

    @Test(arguments: ["commas", "semicolons", "tabs", "utf16", "windows1252", "shown"])
    func whatLibreOfficeShowsIsSent(file: String) throws {
        let sheet = try Self.libreOffice(file == "shown" ? "shown.xlsx" : "\(file).csv")

        #expect(
            sheet.rows.map(\.content) == [
                "Grüße, \"you\"\nthere", "1.1", "0.3", "00042", "1,234.50", "7%", "12.34%", "$1,234.50", "9.90 €",
                "3 pieces",
                "(5)", "Hello you", "TRUE", "12345",
            ])
        #expect(sheet.rows.map(\.from).unique == ["18005550199"])
        let recipients = (100...113).map { "18005550\($0)" }
        #expect(sheet.rows.map(\.to) == recipients)
        #expect(sheet.problems.isEmpty)
        let encodings: [String: SheetText.Encoding] = ["windows1252": .windows1252, "utf16": .utf16]
        #expect(sheet.encoding == (file == "shown" ? nil : encodings[file] ?? .utf8))
    }

    @Test func whatLibreOfficeCannotShowIsToldByRow() throws {
        let upload = try BulkUpload(
            Self.libreOffice("wrong.xlsx"), timezone: "UTC", at: Timestamp(microseconds: 1_790_000_000_000_000))
        let error = #expect(throws: BulkUploadErrors.self) { try upload.check(known: ["+18005550199"]) }
        let format = { (place: String, code: String) in
            """
            The cell \(place) has the number format [\(code)], of which nobody can say what it shows everywhere. Format the \
            cell as text.
            """
        }

        #expect(
            error?.messages == [
                "Row [2]: The cell C2 is an error (#DIV/0!).", "Row [3]: The cell C3 is an error (#N/A).",
                "Row [4]: " + format("C4", "0.00E+00"), "Row [5]: " + format("C5", "# ?/?"),
                "Row [6]: The column Content holds a date. Format the cell as text.",
                "Row [7]: The cell D7 is a time without a date (10:00:00).",
                "Row [8]: The cell D8 is an error (#DIV/0!).",
                "Row [9]: The SendTime [1999-01-01T00:00:00Z] is more than an hour in the past.",
            ])
    }

    @Test func theFirstSheetOfLibreOfficeThatIsNotHiddenCounts() throws {
        #expect(try Self.libreOffice("hidden.xlsx").rows.map(\.content) == ["this one"])
    }

    private static func libreOffice(_ name: String) throws -> BulkSheet {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Spreadsheets")
            .standardized
        return try read(Array(Data(contentsOf: folder.appending(path: name))), name: name)
    }

    @Test func aMessageFromThePastIsSentWithinTheHourAndNotLater() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let now = server.clock.now()
            let (late, tooLate) = ((now - .seconds(3_590)).rfc3339, (now - .seconds(3_700)).rfc3339)
            let file = { (time: String) in "\(Self.names)\n+18005550199,+18005550100,Hi,\(time),\n" }

            let sent = try await account.upload(file(late))
            let refused = try await account.upload(file(tooLate))
            let onTheWire = try await account.client.post(
                "/v1/messages/send",
                ["from": "+18005550199", "to": "+18005550100", "content": "Hi", "send_at": .string(tooLate)])

            #expect(sent.status == 202 && onTheWire.status == 200)
            #expect(refused.status == 422)
            #expect(
                refused.data["document"] == [
                    .string("Row [2]: The SendTime [\(tooLate)] is more than an hour in the past.")
                ])
            #expect(
                try await account.allMessages().map { $0["scheduled_send_time"] } == [.string(late), .string(tooLate)])
        }
    }

    @Test func allMistakesAreAFileForWhoAsksForOneAndNoAnswerIsTooLong() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let urls = Array(repeating: "ftp://example.com", count: 10).joined(separator: ",")
            let bad = "\"x\"\"y\",=1+1,,tomorrow,\"\(urls)\"\n"
            let foreignRow = "+18005550177,+18005550100,Hi,,\n"
            let text = Self.names + "\n" + String(repeating: bad, count: 900) + foreignRow + foreignRow

            let usual = try await account.upload(text)
            let file = try await account.upload(
                "a.csv", Array(text.utf8), more: [("Accept", "application/json;q=0.5, Text/CSV ; q=1")])

            #expect(usual.status == 422 && usual.body.count < 100_000)
            let messages = usual.data["document"].array.map(\.string)
            #expect(messages.first == "Row [2]: The FromPhoneNumber [x\"y] is not a valid E.164 phone number")
            let all: Int = 900 * 14 + 1
            let left: Int = all - (messages.count - 1)
            #expect(messages.last == "There are \(left) more problems. Ask with Accept: text/csv for all of them.")
            #expect(file.status == 422 && file.header("Content-Type") == "text/csv; charset=utf-8")
            #expect(file.header("Content-Disposition") == "attachment; filename=\"httpsms-errors.csv\"")
            var reader = CSVReader(file.body.dropFirst(3))
            var rows: [[String]] = []
            while let row = try reader.next() { rows.append(row.cells) }
            #expect(rows.count == all + 2)
            #expect(rows.first == ["Row", "Column", "Error"])
            #expect(
                rows[1] == ["2", "FromPhoneNumber", "The FromPhoneNumber [x\"y] is not a valid E.164 phone number"])
            let foreign = "The FromPhoneNumber [+18005550177] is not registered on your account"
            #expect(rows.suffix(2) == [["902", "FromPhoneNumber", foreign], ["903", "FromPhoneNumber", foreign]])
        }
    }

    @Test(arguments: [
        ("filename=\"LIST.CSV\"", 202), ("filename=List.Csv", 202), ("filename*=utf-8''l%C3%AFste.csv", 202),
        ("filename=\"\"; filename*=UTF-8'de'liste.CSV", 202), ("filename*=iso-8859-1''l%EFste.csv", 202),
        ("filename*=utf-8''liste.pdf", 422), ("filename*=liste.csv", 202), ("filename*=utf-8''", 422),
        ("filename=a", 422),
    ]) func aNameInCapitalsOrWithACharsetIsRead(parameter: String, status: Int) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let body = """
                --B\r\nContent-Disposition: form-data; name="document"; \(parameter)\r\n\r\n\
                \(Self.names)\r\n+18005550199,+18005550100,Hi,,\r\n--B--\r\n
                """

            let answer = try await account.client.send(
                "POST", "/v1/bulk-messages", headers: [("Content-Type", "multipart/form-data; boundary=B")],
                body: Array(body.utf8))

            #expect(answer.status == status, "\(answer)")
        }
    }
}
