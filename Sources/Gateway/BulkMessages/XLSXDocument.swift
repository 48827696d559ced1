import Wire

/// The parts of an Excel workbook that say where its first sheet is and how its cells are shown (ECMA-376 part 1, chapter
/// 18), read from their bytes. The sheet itself is read by ``XLSXSheet``.
enum XLSXDocument {
    /// `xl/workbook.xml`.
    struct Workbook {
        /// A sheet, in the order in which they are shown.
        struct Sheet {
            /// Of its relationship; nil when it has none.
            let id: String?
            let isHidden: Bool
        }

        /// Whether days are counted from 1904.
        private(set) var countsFrom1904 = false
        /// Whether the program that wrote it left the formulas for others to calculate.
        private(set) var isToBeCalculated = false
        private(set) var sheets: [Sheet] = []

        /// A workbook that says nothing of itself.
        init() {}

        init(_ bytes: [UInt8]) throws(XMLReader.Fault) {
            func isTrue(_ text: String?) -> Bool { text == "1" || text == "true" }
            try XLSXDocument.forEach(in: bytes) { path, attributes in
                if path == ["workbook", "workbookPr"] {
                    countsFrom1904 = isTrue(attributes["date1904"])
                } else if path == ["workbook", "calcPr"] {
                    isToBeCalculated = isTrue(attributes["fullCalcOnLoad"])
                } else if path == ["workbook", "sheets", "sheet"] {
                    let isHidden = ["hidden", "veryHidden"].contains(attributes["state"])
                    sheets.append(Sheet(id: attributes["id"], isHidden: isHidden))
                }
            }
        }
    }

    /// Where a part has another one.
    struct Relationship {
        let id: String
        /// The last part of its type, such as `worksheet`; empty when it has none.
        let kind: String
        /// Relative to the folder of the part that has it, or absolute.
        let target: String

        /// The name of the part in the archive.
        func path(from folder: String) -> String {
            var parts: [Substring] = target.hasPrefix("/") ? [] : folder.split(separator: "/")
            for part in target.split(separator: "/") where part != "." {
                if part == ".." { _ = parts.popLast() } else { parts.append(part) }
            }
            return parts.joined(separator: "/")
        }
    }

    /// A part such as `xl/_rels/workbook.xml.rels`, in its order.
    static func relationships(_ bytes: [UInt8]) throws(XMLReader.Fault) -> [Relationship] {
        var relationships: [Relationship] = []
        try forEach(in: bytes) { path, attributes in
            guard path == ["Relationships", "Relationship"], let target = attributes["Target"] else { return }
            let kind = attributes["Type"]?.split(separator: "/").last ?? ""
            relationships.append(Relationship(id: attributes["Id"] ?? "", kind: String(kind), target: target))
        }
        return relationships
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
                strings.append(XLSXText.decoded(text).trimmed)
                text = ""
            case .start, .text, .end: break
            }
        }
        return strings
    }

    /// Calls `body` for every element, of which the path says where it is.
    static func forEach(
        in bytes: [UInt8], _ body: (_ path: [String], XMLReader.Attributes) -> Void
    ) throws(XMLReader.Fault) {
        var xml = try XMLReader(bytes)
        while let event = try xml.next() {
            if case .start(let attributes) = event { body(xml.path, attributes) }
        }
    }
}
