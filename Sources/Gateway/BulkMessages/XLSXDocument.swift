import XMLCoder

/// The parts of an Excel workbook that are read (ECMA-376 part 1, chapter 18), as XMLCoder decodes them.
enum XLSXDocument {
    /// `xl/workbook.xml`.
    struct Workbook: Decodable {
        let workbookPr: Properties?
        let sheets: Sheets

        struct Properties: Decodable {
            /// Whether days are counted from 1904.
            let date1904: String?
        }

        struct Sheets: Decodable {
            let sheet: [Sheet]
        }

        struct Sheet: Decodable {
            /// The id of its relationship.
            let id: String?
            let qualifiedID: String?

            enum CodingKeys: String, CodingKey {
                case id
                case qualifiedID = "r:id"
            }
        }
    }

    /// `xl/_rels/workbook.xml.rels`.
    struct Relationships: Decodable {
        let relationships: [Relationship]

        enum CodingKeys: String, CodingKey {
            case relationships = "Relationship"
        }

        struct Relationship: Decodable {
            let id: String
            let target: String

            enum CodingKeys: String, CodingKey {
                case id = "Id"
                case target = "Target"
            }
        }
    }

    /// `xl/sharedStrings.xml`.
    struct SharedStrings: Decodable {
        let si: [RichText]?
    }

    /// Text in one piece, or in runs that differ in their look.
    struct RichText: Decodable {
        let t: [String]?
        let r: [Run]?

        struct Run: Decodable {
            let t: [String]?
        }

        var text: String { (t ?? []).joined() + (r ?? []).flatMap { $0.t ?? [] }.joined() }
    }

    /// `xl/styles.xml`.
    struct Styles: Decodable {
        let numFmts: Formats?
        let cellXfs: CellFormats?

        struct Formats: Decodable {
            let numFmt: [Format]?
        }

        struct Format: Decodable {
            let numFmtId: Int
            let formatCode: String
        }

        struct CellFormats: Decodable {
            let xf: [CellFormat]?
        }

        struct CellFormat: Decodable {
            let numFmtId: Int?
        }
    }

    /// `xl/worksheets/sheet1.xml`.
    struct Worksheet: Decodable {
        let sheetData: SheetData

        struct SheetData: Decodable {
            let row: [Row]?
        }

        struct Row: Decodable {
            /// Its number, counted from 1; nil for the one after the row before.
            let r: Int?
            let c: [Cell]?
        }

        struct Cell: Decodable {
            /// Its place, such as `C5`; nil for the one after the cell before.
            let r: String?
            /// Its style, an index of `cellXfs`.
            let s: Int?
            /// What `v` is: `s` a shared string, `b`, `d`, `e`, `str`, `inlineStr`; nil or `n` a number.
            let t: String?
            let v: String?
            let `is`: RichText?
        }
    }
}
