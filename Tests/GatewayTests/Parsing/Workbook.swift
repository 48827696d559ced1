@testable import Gateway

/// An Excel workbook part by part, as no program for tables would write it: a ZIP archive without compression.
struct Workbook {
    /// What is in its parts, by their paths.
    var parts: [String: [UInt8]] = [:]
    /// The number of the method that the archive claims.
    var method: UInt8 = 0

    /// A workbook with one sheet.
    init(sheet: String) {
        parts["xl/worksheets/sheet1.xml"] = Array(sheet.utf8)
    }

    /// A workbook with one sheet, of which `rows` are the rows below the names of the columns A to E.
    init(rows: String) {
        self.init(sheet: Self.sheet(Self.header + rows))
    }

    /// The names of all columns, in the order of the template.
    static let header = "<row r=\"1\">\(BulkColumn.allCases.map { text($0.rawValue) }.joined())</row>"

    /// A cell with text, at the next place.
    static func text(_ text: String) -> String { "<c t=\"inlineStr\"><is><t>\(text)</t></is></c>" }

    /// What the server reads of it.
    func read() throws -> BulkSheet {
        try XLSXSheet.read(UploadedFile(name: "a.xlsx", contentType: "", bytes: ArraySlice(bytes)))
    }

    /// A sheet with `rows`.
    static func sheet(_ rows: String) -> String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><worksheet><sheetData>\(rows)</sheetData></worksheet>"
    }

    /// The archive.
    var bytes: [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        for (name, data) in parts.sorted(by: { $0.key < $1.key }) {
            let start = file.count
            // Version, flags, method, time and date.
            let head: [UInt8] = [20, 0, 0, 0, method, 0, 0, 0, 0x21, 0] + Self.four(Self.checksum(data))
            let facts = head + Self.four(UInt32(data.count)) + Self.four(UInt32(data.count))
            let lengths: [UInt8] = Self.two(UInt16(name.utf8.count)) + [0, 0]
            file += Array("PK\u{3}\u{4}".utf8) + facts + lengths + Array(name.utf8) + data
            directory += Array("PK\u{1}\u{2}".utf8) + [20, 0] + facts + lengths
            directory += [UInt8](repeating: 0, count: 10) + Self.four(UInt32(start)) + Array(name.utf8)
        }
        let count = Self.two(UInt16(parts.count))
        let end = [0, 0, 0, 0] + count + count + Self.four(UInt32(directory.count)) + Self.four(UInt32(file.count))
        return file + directory + Array("PK\u{5}\u{6}".utf8) + end + [0, 0]
    }

    private static func two(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xff), UInt8(number >> 8)] }

    private static func four(_ number: UInt32) -> [UInt8] {
        two(UInt16(truncatingIfNeeded: number)) + two(UInt16(number >> 16))
    }

    /// CRC-32, as ZIP has it.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { sum, byte in
            table[Int((sum ^ UInt32(byte)) & 0xff)] ^ (sum >> 8)
        }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? 0xedb8_8320 ^ (sum >> 1) : sum >> 1 }
    }
}
