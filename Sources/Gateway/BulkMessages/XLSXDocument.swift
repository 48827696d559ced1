/// The parts of an Excel workbook that say where its first sheet is and how its cells are shown (ECMA-376 part 1, chapter
/// 18), read from their bytes. The sheet itself is read by ``XLSXSheet``.
enum XLSXDocument {
    /// `xl/workbook.xml`.
    struct Workbook {
        /// Whether days are counted from 1904.
        private(set) var countsFrom1904 = false
        /// The id of the first sheet's relationship; nil when there is no sheet.
        private(set) var firstSheet: String?

        init(_ bytes: [UInt8]) throws(XMLReader.Fault) {
            var hasSheet = false
            try XLSXDocument.forEach(in: bytes) { path, attributes in
                if path == ["workbook", "workbookPr"] {
                    countsFrom1904 = ["1", "true"].contains(attributes["date1904"] ?? "")
                } else if path == ["workbook", "sheets", "sheet"], !hasSheet {
                    hasSheet = true
                    firstSheet = attributes["id"]
                }
            }
        }
    }

    /// `xl/_rels/workbook.xml.rels`: where parts are, by the ids of their relationships. Of two with one id, the first counts.
    static func relationships(_ bytes: [UInt8]) throws(XMLReader.Fault) -> [String: String] {
        var targets: [String: String] = [:]
        try forEach(in: bytes) { path, attributes in
            guard path == ["Relationships", "Relationship"], let id = attributes["Id"], targets[id] == nil else {
                return
            }
            targets[id] = attributes["Target"]
        }
        return targets
    }

    /// `xl/sharedStrings.xml`: texts that cells name by their index, without white space at their ends. They come in one
    /// piece, or in runs that differ in their look; how a text is pronounced is left out.
    static func sharedStrings(_ bytes: [UInt8]) throws(XMLReader.Fault) -> [String] {
        var strings: [String] = []
        var text = ""
        var xml = try XMLReader(bytes)
        while let event = try xml.next() {
            switch event {
            case .text(let piece) where xml.path == ["sst", "si", "t"] || xml.path == ["sst", "si", "r", "t"]:
                text += piece
            case .end(name: "si") where xml.path == ["sst"]:
                strings.append(text.trimmed)
                text = ""
            case .start, .text, .end: break
            }
        }
        return strings
    }

    /// `xl/styles.xml`: for each style that a cell may have, whether it shows a number as a date.
    static func dateStyles(_ bytes: [UInt8]) throws(XMLReader.Fault) -> [Bool] {
        var isDate: [Int: Bool] = [:]
        var styles: [Int?] = []
        try forEach(in: bytes) { path, attributes in
            let id = attributes["numFmtId"].flatMap { Int($0) }
            if path == ["styleSheet", "numFmts", "numFmt"], let id, isDate[id] == nil {
                isDate[id] = isDateFormat(attributes["formatCode"] ?? "")
            } else if path == ["styleSheet", "cellXfs", "xf"] {
                styles.append(id)
            }
        }
        return styles.map { id in id.map { isBuiltInDate($0) || isDate[$0] == true } ?? false }
    }

    /// Whether a format such as `yyyy-mm-dd` or `[$-409]d/m/yy` shows a date: literals, colours and conditions aside.
    static func isDateFormat(_ code: String) -> Bool {
        var rest = code.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": rest = rest.drop { $0 != "\"" }.dropFirst()
            case "[": rest = rest.drop { $0 != "]" }.dropFirst()
            case "\\", "_", "*": rest = rest.dropFirst()
            case "d", "m", "y", "h", "s", "D", "M", "Y", "H", "S": return true
            default: break
            }
        }
        return false
    }

    /// Formats that need no code (section 18.8.30), those of East Asian languages included.
    private static func isBuiltInDate(_ id: Int) -> Bool {
        (14...22).contains(id) || (27...36).contains(id) || (45...47).contains(id) || (50...58).contains(id)
    }

    private static func forEach(
        in bytes: [UInt8], _ body: (_ path: [String], XMLReader.Attributes) -> Void
    ) throws(XMLReader.Fault) {
        var xml = try XMLReader(bytes)
        while let event = try xml.next() {
            if case .start(let attributes) = event { body(xml.path, attributes) }
        }
    }
}
