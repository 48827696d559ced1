import Timestamps
import Wire

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

    /// Such as `C5`, of a place that a sheet has.
    static func name(column: Int, row: Int) -> String {
        var letters = ""
        var rest = column + 1
        while rest > 0 {
            letters = String(Unicode.Scalar(UInt8(clamping: 65 + (rest - 1) % 26))) + letters
            rest = (rest - 1) / 26
        }
        return "\(letters)\(row)"
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

/// A cell as it is written.
struct XLSXCell {
    /// Such as `C5`.
    let place: String
    /// `s` a shared string, `b`, `d`, `e`, `str`, `inlineStr`; nil or `n` a number.
    let type: String?
    /// How it shows a number.
    let format: NumberFormat
    /// Whether a formula stands in it.
    var hasFormula = false
    /// What stands in its `v`. Of a formula, that is what came of it.
    var value = ""
    /// What stands in its `is`.
    var inline = ""

    /// What it shows in `workbook` with the shared `strings`; nil when it names one that is not there.
    func shown(_ strings: [String], in workbook: XLSXDocument.Workbook) -> SheetCell? {
        let raw = value.trimmed
        // Some programs write formulas for others to calculate.
        if hasFormula, type != "str", raw.isEmpty || (raw == "0" && workbook.isToBeCalculated) {
            return .wrong(
                "The cell \(place) has a formula that was not calculated yet. Open the file in a spreadsheet program and save it."
            )
        }
        switch type {
        case "s":
            guard let index = Int(raw), strings.indices.contains(index) else { return nil }
            return text(strings[index])
        case "inlineStr": return text(XLSXText.decoded(inline))
        case "str": return text(XLSXText.decoded(value))
        case "b": return .text(raw == "1" || raw == "true" ? "TRUE" : "FALSE")
        case "e": return error(raw)
        case "d": return date(raw)
        case nil, "n": return raw.isEmpty ? .text("") : number(raw, countsFrom1904: workbook.countsFrom1904)
        default: return .wrong("The cell \(place) is of a kind that nobody knows.")
        }
    }

    private func text(_ text: String) -> SheetCell {
        let text = format.shown(text).trimmed
        return SheetError.all.contains(text) ? error(text) : .text(text)
    }

    private func error(_ text: String) -> SheetCell {
        .wrong("The cell \(place) is an error (\(BulkUpload.shown(text))).")
    }

    /// ISO 8601, which few programs write.
    private func date(_ text: String) -> SheetCell {
        if Timestamp(rfc3339: text) != nil { return .text(text) }
        if !text.contains("-") { return timeWithoutDate(text) }
        let seconds = SendTimeCell.wallClock(text) ?? SendTimeCell.wallClock(text + ":00")
        return (seconds ?? SendTimeCell.wallClock(text + "T00:00:00")).map { .date($0) } ?? .text(text)
    }

    private func number(_ text: String, countsFrom1904: Bool) -> SheetCell {
        guard text.utf8.allSatisfy(Self.isOfNumber), let number = Double(text), number.isFinite else {
            return .wrong("The cell \(place) is not a number (\(BulkUpload.shown(text))).")
        }
        if format.isDate, Self.days.contains(number) {
            let seconds = Self.seconds(ofDay: number, countsFrom1904)
            // Day 0 is what a time of day has.
            guard number < 1 else { return .date(seconds) }
            return timeWithoutDate(
                String(Timestamp(secondsSince1970: Double(seconds))?.rfc3339.dropFirst(11).prefix(8) ?? ""))
        }
        let whole = number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : nil
        let shown = format.shown(number).map(\.trimmed)
        let phone = shown.flatMap { $0.isDigits && $0.hasPrefix("0") ? $0 : nil } ?? whole ?? shown ?? text
        return .number(SheetNumber(place: place, plain: text, shown: shown, format: format.code, phone: phone))
    }

    private func timeWithoutDate(_ time: String) -> SheetCell {
        .wrong("The cell \(place) is a time without a date (\(BulkUpload.shown(time))).")
    }

    /// Swift reads more than a sheet may hold: hexadecimal numbers and words.
    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte)
    }

    /// Day 25,569 is 1970-01-01; of the other count, 24,107.
    private static func seconds(ofDay day: Double, _ countsFrom1904: Bool) -> Int64 {
        Int64(((day - (countsFrom1904 ? 24_107 : 25_569)) * 86_400).rounded())
    }

    /// Excel shows no date before its first day, nor after 9999-12-31, which is the later one where days are counted from
    /// 1900: what is outside is not a date.
    private static let days = 0.0...2_958_465
}
