import Wire

/// Reads a CSV file of messages, with the separator and in the encoding that its program wrote.
enum CSVSheet {
    /// Reads `file` into `empty`, which says how.
    ///
    /// - Throws: ``BulkUploadErrors``, and what `check` throws.
    static func read(
        _ file: UploadedFile, into empty: BulkSheet, check: () throws(CancellationError) -> Void
    ) throws -> BulkSheet {
        let text = try SheetText(file.bytes, charset: file.charset)
        do {
            var sheet = empty
            sheet.encoding = text.encoding
            var reader = Self.reader(of: text.bytes) { BulkColumn($0) != nil }
            try read(&reader, into: &sheet, check: check)
            return sheet
        } catch is CSVReader.TooManyColumns {
            throw BulkUploadErrors.file(
                """
                The uploaded file [\(BulkUpload.shown(file.name))] has more than \(CSVReader.maximumColumns) columns.
                """)
        }
    }

    private static func read(
        _ reader: inout CSVReader, into sheet: inout BulkSheet, check: () throws(CancellationError) -> Void
    ) throws {
        var number = 0
        while !sheet.isFull {
            if number == maximumRows {
                if reader.isRestBlank() { return }
                throw BulkUploadErrors.file("The file has more than \(maximumRows) rows, most of them blank.")
            }
            guard let row = try reader.next() else { return }
            try check()
            number += 1
            if let fault = row.fault {
                sheet.note(reason(fault, sheet.encoding), row: number)
                // Without a header, nothing below it can be read.
                if sheet.isHeaderless { throw BulkUploadErrors(sheet.problems) }
            } else {
                let cells = row.cells.enumerated().map { ($0.offset, SheetCell(csv: $0.element)) }
                try sheet.take(Dictionary(cells) { $1 }, number: number)
            }
        }
    }

    /// A reader with the separator that the file names in a line `sep=;` before the header, as Excel writes and takes it, or
    /// else with the one that finds most columns in the header: those that are known.
    static func reader(of text: ArraySlice<UInt8>, isKnown: (String) -> Bool) -> CSVReader {
        if let (separator, rest) = declaration(in: text) { return CSVReader(rest, separator: separator) }
        var best: (separator: UInt8, known: Int, cells: Int)?
        for separator in [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09] {
            // One with too many cells is told when the file is read with its separator.
            let cells = try? header(of: text, separator)
            let known = cells?.filter(isKnown).count ?? 0
            let count = cells?.count ?? .max
            guard let last = best, (known, count) <= (last.known, last.cells) else {
                best = (separator, known, count)
                continue
            }
        }
        return CSVReader(text, separator: best?.separator ?? UInt8(ascii: ","))
    }

    /// The first row that is not blank.
    private static func header(
        of text: ArraySlice<UInt8>, _ separator: UInt8
    ) throws(CSVReader.TooManyColumns) -> [String] {
        var reader = CSVReader(text, separator: separator)
        for _ in 0..<maximumRows {
            guard let row = try reader.next() else { break }
            if !row.isBlank { return row.cells }
        }
        return []
    }

    /// The separator of a first line such as `sep=;`, and what follows that line. The spreadsheet does not count it.
    private static func declaration(in text: ArraySlice<UInt8>) -> (UInt8, ArraySlice<UInt8>)? {
        let line = text.prefix(8).prefix { $0 != 0x0a && $0 != 0x0d }
        let letters = Array(String(decoding: line, as: UTF8.self).lowercased().utf8.filter { $0 != UInt8(ascii: "\"") })
        guard letters.count == 5, letters.starts(with: "sep=".utf8), let separator = letters.last,
            (0x21...0x7e).contains(separator) || separator == 0x09
        else { return nil }
        var rest = text[line.endIndex...]
        if rest.first == 0x0d { rest = rest.dropFirst() }
        if rest.first == 0x0a { rest = rest.dropFirst() }
        return (separator, rest)
    }

    /// What is wrong with a row, in a sentence.
    static func reason(_ fault: CSVReader.Fault, _ encoding: SheetText.Encoding?) -> String {
        switch fault {
        case .openQuote: "A quote (\") opens a cell that is never closed."
        case .strayQuote:
            "Text follows the quote (\") that closes a cell. Write quotes within a cell twice, or close the cell before."
        case .notText: "The text is not valid \((encoding ?? .utf8).rawValue)."
        }
    }

    /// Blank rows included: enough for a sheet with blank lines between its messages.
    private static let maximumRows = 5_000
}

extension SheetCell {
    /// A cell of a CSV file. What a formula failed with is saved there as text.
    init(csv text: String) {
        let text = text.trimmed
        self =
            SheetError.all.contains(text) ? .wrong("The cell is an error of the spreadsheet (\(text)).") : .text(text)
    }
}

/// What spreadsheets show for a formula that failed, in the languages that have words of their own for it.
enum SheetError {
    static let all: Set<String> = [
        "#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!",
        "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#GETTING_DATA", "#ERROR!", "#NV", "#BEZUG!", "#WERT!", "#ZAHL!",
        "#ÜBERLAUF!",
        "#N/D", "#VALEUR!", "#NOM?", "#NOMBRE?", "#NUL!", "#¡REF!", "#¡VALOR!", "#¿NOMBRE?", "#¡NUM!", "#¡DIV/0!",
        "#¡NULO!", "#VALOR!", "#NOME?", "#NULO!", "#RIF!", "#VALORE!", "#NAAM?", "#WAARDE!", "#VERW!", "#GETAL!",
        "#DEEL/0!", "#Н/Д", "#ЗНАЧ!", "#ССЫЛКА!", "#ДЕЛ/0!", "#ИМЯ?", "#ЧИСЛО!", "#ADR!", "#ARG!", "#NAZWA?",
        "#LICZBA!",
        "Err:502", "Err:503", "Err:504", "Err:508", "Err:509", "Err:511", "Err:519", "Err:522", "Err:523",
    ]
}
