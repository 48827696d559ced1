import Foundation

/// A place in a sheet, such as `C5`.
struct XLSXPlace: Equatable {
    /// Counted from 0.
    let column: Int
    /// Counted from 1.
    let row: Int

    /// Excel's last row, 2^20.
    static let maximumRow = 1_048_576
    /// `XFD`, Excel's last column.
    static let maximumColumn = 16_383

    /// Reads one to three capital letters and a number; nil for anything else, and for what no sheet has.
    init?(_ text: String) {
        let letters = text.utf8.prefix { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        guard (1...3).contains(letters.count), let row = Self.row(text.utf8.dropFirst(letters.count)) else {
            return nil
        }
        let column = letters.reduce(0) { $0 * 26 + Int($1) - 64 } - 1
        guard column <= Self.maximumColumn else { return nil }
        (self.column, self.row) = (column, row)
    }

    /// Reads the number of a row; nil for anything else, and for what no sheet has.
    static func row(_ text: some Collection<UInt8>) -> Int? {
        let digits = text.prefix(8)
        guard digits.count == text.count, String(decoding: digits, as: UTF8.self).isDigits,
            let row = Int(String(decoding: digits, as: UTF8.self)), (1...maximumRow).contains(row)
        else { return nil }
        return row
    }
}

/// A cell as it is written, and what it shows.
struct XLSXCell {
    /// `s` a shared string, `b`, `d`, `e`, `str`, `inlineStr`; nil or `n` a number.
    let type: String?
    /// Whether its style shows a number as a date.
    let isDate: Bool
    /// What stands in its `v`. Of a formula, that is what came of it.
    var value = ""
    /// What stands in its `is`.
    var inline = ""

    /// What a cell shows, without white space at its ends.
    enum Shown {
        case text(String)
        /// Seconds since 1970-01-01 00:00, without a zone.
        case date(Int64)

        var text: String {
            switch self {
            case .text(let text): text
            case .date(let seconds):
                Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).replacing("Z", with: "")
            }
        }
    }

    /// What it shows in a workbook with the shared `strings`; nil when it names one that is not there.
    func shown(_ strings: [String], countsFrom1904: Bool) -> Shown? {
        let raw = value.trimmed
        switch type {
        case "s":
            guard let index = Int(raw), strings.indices.contains(index) else { return nil }
            return .text(strings[index])
        case "inlineStr": return .text(inline.trimmed)
        case "b": return .text(raw == "1" ? "TRUE" : "FALSE")
        case nil, "n":
            guard let number = Double(raw), number.isFinite else { return .text(raw) }
            if isDate, Self.days.contains(number) { return .date(Self.seconds(ofDay: number, countsFrom1904)) }
            // The template stores phone numbers as numbers: 18005550199 must not become 1.8005550199E10.
            if number == number.rounded(), abs(number) < 1e15 { return .text(String(Int64(number))) }
            return .text(raw)
        default: return .text(raw)
        }
    }

    /// Day 25,569 is 1970-01-01; of the other count, 24,107.
    private static func seconds(ofDay day: Double, _ countsFrom1904: Bool) -> Int64 {
        Int64(((day - (countsFrom1904 ? 24_107 : 25_569)) * 86_400).rounded())
    }

    /// Excel shows no date before its first day, nor after 9999-12-31, which is the later one where days are counted from
    /// 1900: what is outside stays a number.
    private static let days = 0.0...2_958_465
}
