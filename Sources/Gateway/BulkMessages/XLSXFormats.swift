/// `xl/styles.xml`: how a cell with a style shows a number.
struct XLSXFormats: Sendable {
    /// Of each style, the index of its format in ``formats``.
    private var styles: [Int] = []
    private var formats: [NumberFormat] = []

    /// No styles: all cells are general.
    init() {}

    /// Reads the part. Of two formats with one number, the first counts.
    init(_ bytes: [UInt8]) throws(XMLReader.Fault) {
        var codes: [Int: String] = [:]
        var places: [Int?: Int] = [:]
        var ids: [Int?] = []
        try XLSXDocument.forEach(in: bytes) { path, attributes in
            if path == ["styleSheet", "numFmts", "numFmt"], let id = attributes["numFmtId"].flatMap({ Int($0) }) {
                codes[id] = codes[id] ?? XLSXText.decoded(attributes["formatCode"] ?? "")
            } else if path == ["styleSheet", "cellXfs", "xf"] {
                // Without one it is general.
                ids.append(attributes["numFmtId"].map { Int($0) } ?? 0)
            }
        }
        for id in ids {
            if let place = places[id] {
                styles.append(place)
                continue
            }
            let code = id.flatMap { codes[$0] ?? Self.builtIn($0) }
            places[id] = formats.count
            styles.append(formats.count)
            // One that nobody knows shows nothing that could be told.
            formats.append(NumberFormat(code ?? "[unknown]"))
        }
    }

    /// What a cell with the attribute `s` has.
    ///
    /// - Throws: ``XLSXArchive/Damaged`` when there is no such style.
    func format(style: String?) throws(XLSXArchive.Damaged) -> NumberFormat {
        guard let style, !styles.isEmpty else { return .general }
        guard let index = Int(style), styles.indices.contains(index) else { throw XLSXArchive.Damaged() }
        return formats[styles[index]]
    }

    /// Formats that need no code (section 18.8.30), those of East Asian languages included. Programs that name the ones of
    /// currencies without a code mean dollars: Excel writes the code of its user's currency.
    private static func builtIn(_ id: Int) -> String? {
        switch id {
        case 14...22, 27...36, 45...47, 50...58: "yyyy-mm-dd hh:mm:ss"
        default: codes[id]
        }
    }

    private static let codes: [Int: String] = [
        0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "\"$\"#,##0_);(\"$\"#,##0)",
        6: "\"$\"#,##0_);[Red](\"$\"#,##0)", 7: "\"$\"#,##0.00_);(\"$\"#,##0.00)",
        8: "\"$\"#,##0.00_);[Red](\"$\"#,##0.00)", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
        37: "#,##0_);(#,##0)", 38: "#,##0_);[Red](#,##0)", 39: "#,##0.00_);(#,##0.00)",
        40: "#,##0.00_);[Red](#,##0.00)", 41: "_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)",
        42: "_(\"$\"* #,##0_);_(\"$\"* (#,##0);_(\"$\"* \"-\"_);_(@_)",
        43: "_(* #,##0.00_);_(* (#,##0.00);_(* \"-\"??_);_(@_)",
        44: "_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00);_(\"$\"* \"-\"??_);_(@_)", 48: "##0.0E+0", 49: "@",
    ]
}
