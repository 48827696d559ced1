import Testing

@testable import Gateway

/// What is kept of the rows that were wrong.
struct LeftOutRowTests {
    @Test func rowsAreReadAsTheyWereWritten() {
        let rows = [
            LeftOutRow(number: 3, reason: "To: a\r\nb is not\u{2028}a phone number."),
            LeftOutRow(number: 1_001, reason: String(repeating: "ш", count: 5_000)),
        ]
        let text = LeftOutRow.text(of: rows)

        #expect(rows[0].reason == "To: a b is not a phone number." && rows[1].reason.count == 400)
        #expect(LeftOutRow.rows(text) == rows)
        #expect(LeftOutRow.rows("").isEmpty && LeftOutRow.rows("x\n\n7\n99999999999999999999 x\n").isEmpty)
    }

    @Test func theProblemsOfARowAreOneLine() {
        let errors = BulkUploadErrors([
            BulkProblem(rows: [4], nil, "b", words: "B."), BulkProblem(rows: [2, 4], nil, "A."), .file("All."),
        ])
        #expect(errors.rows == [LeftOutRow(number: 2, reason: "A."), LeftOutRow(number: 4, reason: "A. B.")])
    }
}
