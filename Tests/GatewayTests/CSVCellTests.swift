import TestSupport
import Testing

@testable import Gateway

/// Cells of the files that we write.
@Suite(.onOneEngine) struct CSVCellTests {
    @Test(arguments: [
        "=1+1", "+cmd", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n=1", "\0=1", "\u{ff1d}1", "\u{ff0b}1",
        "\u{ff0d}1", "\u{ff20}SUM(A1)", "'=1", "''\n=1",
    ])
    func noCellIsAFormula(text: String) {
        let cell = String(decoding: CSVCell.quoted(text), as: UTF8.self)

        #expect(cell == "\"'\(text)\"")
        #expect(CSVCell.plain("'\(text)") == text)
    }

    @Test(arguments: ["", "Ann", "1=1", "+18005550100; 12345", "'Ann", " =1", "\u{ff11}", "a\n=1"])
    func whatIsNoFormulaStaysAsItIs(text: String) {
        #expect(String(decoding: CSVCell.quoted(text), as: UTF8.self) == "\"\(text)\"")
    }
}
