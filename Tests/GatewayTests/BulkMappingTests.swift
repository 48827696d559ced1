import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Files whose columns are said by hand, and whose messages share a text.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BulkMappingTests {
    private static let now = Timestamp(microseconds: 1_790_000_000_000_000)

    private static func file(_ text: String) -> UploadedFile {
        UploadedFile(name: "a.csv", contentType: "", bytes: Array(text.utf8)[...])
    }

    private static func upload(_ text: String, _ mapping: BulkMapping) throws -> BulkUpload {
        let sheet = try BulkSheet.read(file(text), .mapped(mapping))
        let upload = try BulkUpload(sheet, mapping, timezone: "UTC", at: now)
        try upload.check(known: Set(upload.senders))
        return upload
    }

    private static func problems(_ text: String, _ mapping: BulkMapping) -> [String] {
        do {
            _ = try upload(text, mapping)
            return []
        } catch let error as BulkUploadErrors {
            return error.messages
        } catch {
            return ["\(error)"]
        }
    }

    private static func all(_ text: String, to place: Int = 0) -> BulkMapping {
        BulkMapping(places: [.to: place], sender: "+18005550199", text: text)
    }

    @Test func columnsAreTakenFromWhereSomebodySaysTheyAre() throws {
        let text =
            "When,Mobile,Line,SMS\n2026-09-25T10:00:00,+18005550100,18005550199,Hello\n,,,\n,+18005550101,+18005550199,Bye\n"
        let mapping = BulkMapping(places: [.to: 1, .from: 2, .content: 3, .sendTime: 0])
        let upload = try Self.upload(text, mapping)

        #expect(upload.items.map(\.to) == ["+18005550100", "+18005550101"])
        #expect(upload.items.map(\.from) == ["+18005550199", "+18005550199"])
        #expect(upload.items.map(\.content) == ["Hello", "Bye"] && upload.items.map(\.row) == [2, 4])
        #expect(upload.items[0].sendAt?.rfc3339 == "2026-09-25T10:00:00Z" && upload.items[1].sendAt == nil)
        #expect(upload.parts == 2)
    }

    /// Known headings do not matter where somebody says otherwise.
    @Test func cellsArePutIntoTheTextAsTheyAre() throws {
        let text = "ToPhoneNumber,First Name,Content\n+18005550100,{{number}},{{First Name}}\n(800) 555-0101,Zoë,x\n"
        let upload = try Self.upload(text, Self.all("{{firstname}}: {{CONTENT}} {{number}}"))

        #expect(
            upload.items.map(\.content) == ["{{number}}: {{First Name}} +18005550100", "Zoë: x +18005550101"])
        // A column of that name has the word.
        let named = try Self.upload("Number,x\n(800) 555-0101,1\n", Self.all("{{number}}"))
        #expect(named.items.map(\.content) == ["(800) 555-0101"] && named.items.map(\.to) == ["+18005550101"])
    }

    @Test func everyRowWithoutAValueIsToldAtOnce() {
        let text = "To,Name,City\n+18005550100,Ann,\n+18005550101,,Rome\n+18005550102,,\nx,Bob,Rome\n"

        #expect(
            Self.problems(text, Self.all("{{name}} {{city}} {{ Name }}")) == [
                "Rows [2, 4]: There is nothing to put in the place of {{city}}.",
                "Rows [3, 4]: There is nothing to put in the place of {{name}}.",
                "Row [5]: The To [x] is not a valid E.164 phone number",
            ])
        let long = "To,Name\n+18005550100,\(String(repeating: "x", count: 1_025))\n"
        #expect(
            Self.problems(long, Self.all("{{name}}")) == [
                "Row [2]: The message content must be less than 1024 characters."
            ])
        #expect(
            Self.problems("To,Name\n+18005550100,#N/A\n", Self.all("{{name}}")).map { $0.contains("#N/A") } == [true])
    }

    /// The names that the server knows are nowhere in such a file.
    @Test func problemsNameColumnsAsTheFileDoes() throws {
        let text = "Mobile,=Line,SMS,When\nx,y,,soon\n+18005550100,+18005550188,Hi,\n"
        let mapping = BulkMapping(places: [.to: 0, .from: 1, .content: 2, .sendTime: 3])
        let sheet = try BulkSheet.read(Self.file(text), .mapped(mapping))
        let upload = try BulkUpload(sheet, mapping, timezone: "UTC", at: Self.now)

        let errors = #expect(throws: BulkUploadErrors.self) { try upload.check(known: []) }
        let problems = try #require(errors).problems
        #expect(problems.map(\.column) == ["=Line", "Mobile", "SMS", "When", "=Line"])
        let messages = problems.map(\.message)
        #expect(
            messages.prefix(2) == [
                "Row [2]: The =Line [y] is not a valid E.164 phone number",
                "Row [2]: The Mobile [x] is not a valid E.164 phone number",
            ])
        #expect(messages[3].hasPrefix("Row [2]: The When [soon] is not a valid date"))
        #expect(messages.last == "Rows [3]: The =Line [+18005550188] is not registered on your account")
        let report = String(decoding: try #require(errors).csv, as: UTF8.self)
        #expect(report.contains("\r\n2,\"Mobile\",\"The Mobile [x]"))
        // Which a spreadsheet would take for a formula.
        #expect(report.contains("\r\n3,\"'=Line\",\"The =Line [+18005550188]"))
        #expect(Self.problems("Mobile\nx\n", Self.all("Hi")).map { $0.contains("The Mobile [x]") } == [true])
    }

    @Test func whatDoesNotFitTheHeaderIsTold() {
        let text = "To,Name\n+18005550100,Ann\n"
        #expect(
            Self.problems(text, BulkMapping(places: [:])) == [
                "Choose the column with the numbers that the messages go to.",
                "Choose the phone that sends, or the column that names it.",
                "Choose a text, or the column that has it.",
            ])
        #expect(
            Self.problems(text, Self.all("{{nme}}, {{number}}")) == [
                "The text has {{nme}}, but no column of the file is called so."
            ])
        for place in [-1, 2, .max, .min] {
            #expect(Self.problems(text, Self.all("Hi", to: place)).map { $0.contains("no heading") } == [true])
        }
        #expect(Self.problems(text, Self.all(" ")) == ["Write the text first, or choose one."])
        let many = String(repeating: "{{name}}", count: 21)
        #expect(Self.problems(text, Self.all(many)) == ["Use at most 20 placeholders in the text."])
        #expect(Self.problems("To,Name\n", Self.all("Hi")).count == 1)
    }

    @Test func onlyTheHeadingsAreReadWhereNothingElseIsAskedFor() throws {
        let header = try BulkSheet.read(Self.file("\n;;\nMobile; Name ;;City\n\"broken\nrow"), .header).header
        #expect(header == [0: "Mobile", 1: "Name", 3: "City"])
        #expect(try BulkSheet.read(Self.file(""), .header).header.isEmpty)
    }

    @Test func aWorkbookIsReadInTheSameWay() throws {
        let rows = """
            <row r="1">\(Workbook.text("Mobile"))\(Workbook.text("Price"))\(Workbook.text("Day"))</row>
            <row r="2"><c><v>18005550100</v></c><c><v>12.5</v></c>\(Workbook.text("Monday"))</row>
            <row r="3"><c><v>18005550101</v></c><c t="b"><v>1</v></c><c t="d"><v>2030-01-31T10:00:00</v></c></row>
            """
        let bytes = Workbook(sheet: Workbook.sheet(rows)).bytes
        let file = UploadedFile(name: "a.xlsx", contentType: "", bytes: bytes[...])
        #expect(try BulkSheet.read(file, .header).header == [0: "Mobile", 1: "Price", 2: "Day"])

        let sheet = try BulkSheet.read(file, .mapped(Self.all("{{day}}: {{price}}")))
        #expect(sheet.rows.map(\.to) == ["18005550100", "18005550101"])
        #expect(sheet.rows.first?.values == ["day": "Monday", "price": "12.5"])
        #expect(
            sheet.problems.map(\.message) == [
                "Row [3]: A cell that the text needs holds a date. Format the cell as text."
            ])
    }

    /// Many values of many rows cost as much as they are long.
    @Test func aTextWithManyLongValuesStaysBounded() throws {
        let cell = String(repeating: "x", count: 4_000)
        let text = "To,Name\n" + String(repeating: "+18005550100,\(cell)\n", count: 1_000)
        let mapping = Self.all(String(repeating: "{{name}}", count: 20))
        let sheet = try BulkSheet.read(Self.file(text), .mapped(mapping))
        let upload = try BulkUpload(sheet, mapping, timezone: "UTC", at: Self.now)

        #expect(upload.items.allSatisfy { $0.content.utf8.count == 4_000 })
    }
}
