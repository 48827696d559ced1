import Storage
import Wire

/// What somebody looks for in texts, and the numbers that it may be another spelling of.
struct SearchQuery: Sendable {
    /// Folded; empty for everything.
    let text: String
    /// What else a number may contain: digits, perhaps with a plus. Empty when the text does not look like a number, or
    /// is how numbers are stored.
    let numbers: [String]

    /// Reads what was typed.
    ///
    /// - Parameters:
    ///   - typed: As it came.
    ///   - owners: The account's own numbers, whose regions say what a national number means; asked for only when the text
    ///     looks like one.
    init(_ typed: String, owners: () throws -> [String]) rethrows {
        let text = FoldedText.of(typed).trimmed
        self.text = text
        numbers = try Self.numbers(text, owners: owners).filter { $0 != text }.unique
    }

    /// Reads what was typed, for texts.
    init(_ typed: String) { self.init(typed) { [] } }

    /// Whether everything is found.
    var isEmpty: Bool { text.isEmpty }

    /// Whether `other`, which is not folded yet, contains it.
    func isIn(_ other: String) -> Bool { isEmpty || FoldedText.of(other).hasBytes(text) }

    /// Whether `number`, as numbers are stored, contains it in some spelling.
    func isInNumber(_ number: String) -> Bool { isIn(number) || numbers.contains { number.hasBytes($0) } }

    /// Of `0044 7700 900456`, `+447700900456`; of `(212) 555-0188`, its digits, and `+12125550188` where that is its region.
    private static func numbers(_ text: String, owners: () throws -> [String]) rethrows -> [String] {
        let digits = String(text.unicodeScalars.filter { ("0"..."9").contains($0) })
        guard digits.utf8.count >= fewestDigits, text.utf8.count <= 64,
            text.utf8.allSatisfy({ "0123456789+-()./ ".utf8.contains($0) }), !text.dropFirst().contains("+")
        else { return [] }
        if text.hasPrefix("+") { return ["+\(digits)"] + [PhoneNumber.e164(text)].compactMap(\.self) }
        if digits.hasPrefix("00") {
            let number = "+\(digits.dropFirst(2))"
            return [number] + [PhoneNumber.e164(number)].compactMap(\.self)
        }
        let national = try owners().prefix(mostOwners).map { PhoneNumber.contact(digits, owner: $0) }
            .filter { $0.hasPrefix("+") }.unique.prefix(mostReadings)
        // Most regions write a zero before a national number, and none does behind the plus.
        let bare = national.isEmpty && digits.hasPrefix("0") ? [String(digits.dropFirst())] : []
        return [digits] + national + bare
    }

    /// Fewer are more often part of a text than of a number.
    private static let fewestDigits = 3
    /// Each costs some 10 µs.
    private static let mostOwners = 100
    /// Each is a condition of the statement.
    private static let mostReadings = 8
}

extension SearchQuery {
    /// The rows that contain it in `columns`, which hold folded texts, or in spelled otherwise in `number`.
    ///
    /// A row whose text is not folded yet is not found: see ``SearchFillQueries``.
    func condition(folded column: SQL, number: SQL) -> SQL {
        numbers.reduce(SQL.contains(column, text)) { condition, form in
            condition + "OR \(SQL.contains(number, form))"
        }
    }
}
