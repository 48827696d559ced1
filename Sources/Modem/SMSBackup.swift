import Crypto
import Foundation
import Wire

/// A file of gammu-smsd's inbox with `InboxFormat = detail`: an SMS with all of its parts, or a delivery report.
struct SMSBackup: Hashable, Sendable {
    /// Of the sender, or of whom the reported SMS went to; empty when it is withheld.
    let number: String
    /// Empty for an SMS that holds no text.
    let text: String
    /// What the network calls the SMS that is reported on; nil for an SMS.
    let report: Int?
    /// How many parts the SMS has by its own word, and how many are here.
    let parts: (expected: Int, found: Int)
    /// The same each time that gammu-smsd reads this SMS from the modem.
    let id: String

    static func == (left: Self, right: Self) -> Bool { left.id == right.id }
    func hash(into hasher: inout Hasher) { hasher.combine(id) }

    /// Whether no part is missing.
    var isComplete: Bool { parts.found >= parts.expected }

    /// Reads a file; nil when it is not such a file, or is only half written.
    init?(_ file: String) {
        guard file.hasSuffix("\n") else { return nil }
        let sections = Self.sections(file)
        guard let first = sections.first, sections.allSatisfy({ $0["MessageReference"] != nil && $0["PDU"] != nil })
        else { return nil }
        let texts = sections.map { section in
            section["Coding"] == "8bit" ? [] : Self.units(section["Text"] ?? "")
        }
        number = Self.number(of: first)
        // A character of two units may be cut in two by the end of a part.
        text = String(decoding: texts.joined(), as: UTF16.self)
        report = first["PDU"] == "Status_Report" ? Int(first["MessageReference"] ?? "") : nil
        parts = (Self.partCount(first["UDH"] ?? ""), sections.count)
        var hash = SHA256()
        for section in sections {
            for key in ["PDU", "DateTime", "NumberUnicode", "Number", "UDH", "Text", "MessageReference"] {
                hash.update(data: Array("\(section[key] ?? "");".utf8))
            }
        }
        id = hash.finalize().prefix(16).hexadecimal
    }

    /// Members by name; the lines of a text are joined.
    private static func sections(_ file: String) -> [[String: String]] {
        var sections: [[String: String]] = []
        for line in file.split(whereSeparator: \.isNewline) where line.first != ";" {
            if line.hasPrefix("[SMSBackup") { sections.append([:]) }
            guard !sections.isEmpty, let equals = line.firstIndex(of: "=") else { continue }
            let name = String(line[..<equals]).trimmingCharacters(in: .whitespaces)
            let value = String(line[line.index(after: equals)...]).trimmingCharacters(in: .whitespaces)
            let isText = name.count == 6 && name.hasPrefix("Text")
            sections[sections.count - 1][isText ? "Text" : name, default: ""] += value
        }
        return sections
    }

    private static func number(of section: [String: String]) -> String {
        let units = units(section["NumberUnicode"] ?? "")
        if !units.isEmpty { return String(decoding: units, as: UTF16.self) }
        return (section["Number"] ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    }

    /// UTF-16 in hexadecimal digits.
    private static func units(_ digits: String) -> [UInt16] {
        var rest = Array(digits.utf8)[...]
        var units: [UInt16] = []
        while rest.count >= 4, let unit = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) {
            units.append(unit)
            rest = rest.dropFirst(4)
        }
        return units
    }

    /// Of the header of a long SMS: element 0 with a reference of 8 bits, or 8 with one of 16 bits (3GPP TS 23.040, 9.2.3.24).
    private static func partCount(_ header: String) -> Int {
        let digits = Array(header.utf8)
        let bytes = stride(from: 0, to: max(digits.count - 1, 0), by: 2).map {
            UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16) ?? 0
        }
        var position = 1
        while position + 1 < bytes.count {
            let (element, length) = (bytes[position], Int(bytes[position + 1]))
            let count = position + 2 + length - 2
            if element == 0 && length == 3 || element == 8 && length == 4 {
                return count < bytes.count ? Int(bytes[count]) : 1
            }
            position += 2 + length
        }
        return 1
    }
}
