import Foundation
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// `/v1/bulk-messages` with Excel files that openpyxl writes.
@Suite(.timeLimit(.minutes(1))) struct BulkSpreadsheetTests {
    private static let titles: JSON = [
        "FromPhoneNumber", "ToPhoneNumber", "Content", "SendTime(optional)", "AttachmentURLs(optional)",
    ]

    private static func workbook(
        _ sheets: [(name: String, rows: [JSON])], _ more: [String: JSON] = [:]
    ) async throws -> [UInt8] {
        let sheets = sheets.map { JSON.array([.string($0.name), .array($0.rows)]) }
        let answer = try await Python.ask("spreadsheet", "write", ["sheets": .array(sheets)].merging(more) { $1 })
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
        ("yyyy-mm-dd", true), ("[$-409]d/m/yy h:mm AM/PM;@", true), ("mm:ss", true), ("General", false), ("0", false),
        ("0.00E+00", false), ("#,##0.00 \"days\"", false), ("[Red]0", false), ("\\d0", false), ("@", false),
    ]) func formatsOfDatesAreTold(format: String, isDate: Bool) {
        #expect(XLSXDocument.isDateFormat(format) == isDate)
    }

    @Test(arguments: [
        ("A1", 0, 1), ("E17", 4, 17), ("AA3", 26, 3), ("XFD1048576", 16_383, 1_048_576), ("B007", 1, 7),
    ]) func placesAreLettersAndANumber(text: String, column: Int, row: Int) {
        #expect(XLSXPlace(text)?.column == column)
        #expect(XLSXPlace(text)?.row == row)
    }

    @Test(arguments: [
        "", "5", "A", "a1", "A0", "A-1", "A+1", "A1048577", "A9223372036854775808", "A000000001", "XFE1", "ZZZ1",
        "AAAA1",
        "A1B", "$A$1", "A１", "R1C1", "A 1",
    ]) func whatIsNoPlaceOfASheetIsNone(text: String) {
        #expect(XLSXPlace(text) == nil)
    }
}
