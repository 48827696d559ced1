import Foundation
import XMLCoder

/// Reads the first sheet of an Excel workbook: columns A to E by their place, the first row left out.
struct XLSXSheet {
    /// A thousand rows of the longest messages, many times over.
    private static let inflatedLimit = 16 << 20
    /// XMLCoder keeps every element in memory; a full sheet has some 20,000.
    private static let tagLimit = 200_000

    private let strings: [String]
    private let styles: XLSXDocument.Styles?
    private let countsFrom1904: Bool
    private let worksheet: XLSXDocument.Worksheet

    /// - Throws: ``BulkFileError``.
    static func rows(of file: UploadedFile) throws -> [BulkRow] {
        do {
            guard let archive = XLSXArchive(file.bytes, limit: inflatedLimit) else { throw XLSXArchive.Damaged() }
            return try XLSXSheet(archive).rows()
        } catch is XLSXArchive.TooLarge {
            throw BulkFileError(
                "The uploaded excel file [\(file.name)] is larger than \(inflatedLimit >> 20) MB once it is unpacked.")
        } catch {
            throw BulkFileError("Cannot parse the uploaded excel file with name [\(file.name)].")
        }
    }

    private init(_ archive: XLSXArchive) throws {
        func read<Part: Decodable>(_ type: Part.Type, _ path: String) throws -> Part? {
            guard let data = try archive.entry(path) else { return nil }
            // No workbook has a document type, which is what hostile ones grow from.
            guard data.count(where: { $0 == UInt8(ascii: "<") }) <= Self.tagLimit,
                data.range(of: Data("<!DOCTYPE".utf8)) == nil
            else { throw XLSXArchive.TooLarge() }
            // Spaces belong to what a cell says.
            let decoder = XMLDecoder(trimValueWhitespaces: false)
            decoder.shouldProcessNamespaces = true
            return try decoder.decode(type, from: data)
        }
        let workbook = try read(XLSXDocument.Workbook.self, "xl/workbook.xml")
        let relationships = try read(XLSXDocument.Relationships.self, "xl/_rels/workbook.xml.rels")
        let first = workbook?.sheets.sheet.first
        let id = first?.qualifiedID ?? first?.id
        let target = relationships?.relationships.first { $0.id == id }?.target ?? "worksheets/sheet1.xml"
        // A target is relative to `xl`, or absolute.
        let path = target.hasPrefix("/") ? String(target.dropFirst()) : "xl/\(target)"
        guard let worksheet = try read(XLSXDocument.Worksheet.self, path) else { throw XLSXArchive.Damaged() }
        self.worksheet = worksheet
        strings = try read(XLSXDocument.SharedStrings.self, "xl/sharedStrings.xml")?.si?.map(\.text) ?? []
        styles = try read(XLSXDocument.Styles.self, "xl/styles.xml")
        countsFrom1904 = ["1", "true"].contains(workbook?.workbookPr?.date1904 ?? "")
    }

    private func rows() -> [BulkRow] {
        var number = 0
        return (worksheet.sheetData.row ?? []).compactMap { row in
            number = row.r ?? number + 1
            if number == 1 { return nil }
            var values: [Int: Value] = [:]
            var column = -1
            for cell in row.c ?? [] {
                column = cell.r.flatMap(Self.column) ?? column + 1
                values[column] = value(of: cell)
            }
            func text(_ column: Int) -> String { (values[column]?.text ?? "").trimmed }
            let sendTime: BulkRow.SendTime? =
                switch values[3] {
                case .date(let seconds): .wallClock(seconds)
                case .text(let text) where !text.trimmed.isEmpty: .text(text.trimmed)
                case .text, nil: nil
                }
            return BulkRow(
                number: number, from: text(0), to: text(1), content: text(2), sendTime: sendTime,
                attachmentURLs: text(4))
        }
    }

    /// What a cell shows.
    private enum Value {
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

    private func value(of cell: XLSXDocument.Worksheet.Cell) -> Value {
        let raw = cell.v ?? ""
        switch cell.t {
        case "s":
            guard let index = Int(raw.trimmed), strings.indices.contains(index) else { return .text("") }
            return .text(strings[index])
        case "inlineStr": return .text(cell.is?.text ?? "")
        case "b": return .text(raw.trimmed == "1" ? "TRUE" : "FALSE")
        case nil, "n":
            guard let number = Double(raw.trimmed), number.isFinite else { return .text(raw) }
            if isDate(style: cell.s), abs(number) < 3_000_000 { return .date(seconds(ofDay: number)) }
            // The template stores phone numbers as numbers: 18005550199 must not become 1.8005550199E10.
            if number == number.rounded(), abs(number) < 1e15 { return .text(String(Int64(number))) }
            return .text(raw.trimmed)
        default: return .text(raw)
        }
    }

    /// Day 25,569 is 1970-01-01; of the other count, 24,107.
    private func seconds(ofDay day: Double) -> Int64 {
        Int64(((day - (countsFrom1904 ? 24_107 : 25_569)) * 86_400).rounded())
    }

    private func isDate(style: Int?) -> Bool {
        guard let style, let formats = styles?.cellXfs?.xf, formats.indices.contains(style),
            let id = formats[style].numFmtId
        else { return false }
        if (14...22).contains(id) || (27...36).contains(id) || (45...47).contains(id) || (50...58).contains(id) {
            return true
        }
        guard let code = styles?.numFmts?.numFmt?.first(where: { $0.numFmtId == id })?.formatCode else { return false }
        return Self.isDateFormat(code)
    }

    /// Whether a format such as `yyyy-mm-dd` or `[$-409]d/m/yy` shows a date: literals, colours and conditions aside.
    static func isDateFormat(_ code: String) -> Bool {
        var rest = code[...]
        while let character = rest.popFirst() {
            switch character {
            case "\"": rest = rest.drop { $0 != "\"" }.dropFirst()
            case "[": rest = rest.drop { $0 != "]" }.dropFirst()
            case "\\", "_", "*": rest = rest.dropFirst()
            default: if "dmyhsDMYHS".contains(character) { return true }
            }
        }
        return false
    }

    /// The column of a place such as `C5`, counted from 0.
    static func column(_ place: String) -> Int? {
        var column = 0
        for letter in place.utf8.prefix(while: { (65...90).contains($0) }).prefix(3) {
            column = column * 26 + Int(letter) - 64
        }
        return column == 0 ? nil : column - 1
    }
}
