import Wire

/// Cells of the files that we write.
package enum CSVCell {
    /// A row of cells.
    package static func line(_ cells: [String]) -> [UInt8] {
        Array(cells.map(quoted).joined(separator: [UInt8(ascii: ",")])) + [0x0d, 0x0a]
    }

    /// A cell in quotes, which no spreadsheet takes for a formula. Byte by byte, as a quote with an accent on it is another
    /// character to Swift.
    static func quoted(_ cell: String) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        // A number with its plus is no formula that does harm, and has to stay one number to be read again.
        let isRisky = isFormula(cell) && !cell.utf8.allSatisfy { "+0123456789; ".utf8.contains($0) }
        let text = cell.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return [quote] + (isRisky ? [apostrophe] : []) + text + [quote]
    }

    /// A cell as it was before the apostrophe was put in front of it.
    static func plain(_ cell: String) -> String {
        let text = cell.trimmed
        return text.utf8.first == apostrophe && isFormula(text) ? String(text.unicodeScalars.dropFirst()) : text
    }

    /// Whether a text begins as a formula does, or as one that was kept from being one.
    private static func isFormula(_ text: String) -> Bool {
        text.unicodeScalars.drop { $0 == "'" }.first.map { formulas.contains($0) } == true
    }

    private static let apostrophe = UInt8(ascii: "'")

    /// What tells Excel that a file is UTF-8.
    package static let mark: [UInt8] = [0xef, 0xbb, 0xbf]

    /// What a formula begins with, or what a program may drop before one: those that OWASP's page about CSV injection and its ASVS
    /// (1.2.10) list, and the full-width forms of the signs, which spreadsheets in East Asian languages take for them.
    private static let formulas = Set("=+-@\t\r\n\0\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".unicodeScalars)
}
