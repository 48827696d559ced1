import Storage
import Wire

/// Address books as phones and programs write them: vCard 2.1 (Android), 3.0 (RFC 2426) and 4.0 (RFC 6350).
package enum VCard {
    /// One card of a file.
    struct Card: Sendable {
        /// Counted from 1.
        let number: Int
        var id = ""
        var name = ""
        var numbers: [String] = []
        var emails: [String] = []
        var note = ""
        /// Whether it ends where it should.
        var isWhole = false

        /// The name in parts, the organization and the nickname, for a card without another name.
        fileprivate var spare: [String: String] = [:]

        /// Nil for what says nothing of a contact.
        fileprivate mutating func take(_ line: Line) {
            switch line.name {
            case "UID": id = line.text.trimmed
            case "FN": if name.isEmpty { name = line.text.trimmed }
            case "N": spare["N"] = Self.name(of: line)
            case "ORG", "NICKNAME":
                spare[line.name] = line.parts.map(\.trimmed).filter { !$0.isEmpty }.joined(separator: ", ")
            case "TEL": Self.keep(line.text, without: ["tel:"], in: &numbers)
            case "EMAIL": Self.keep(line.text, without: ["mailto:"], in: &emails)
            case "NOTE": if note.isEmpty { note = line.text.trimmed }
            default: break
            }
        }

        fileprivate mutating func end() {
            isWhole = true
            if name.isEmpty { name = ["N", "ORG", "NICKNAME"].compactMap { spare[$0] }.first { !$0.isEmpty } ?? "" }
        }

        /// Family, given, additional names, prefixes, suffixes.
        private static func name(of line: Line) -> String {
            let parts = line.parts.map(\.trimmed)
            return [3, 1, 2, 0, 4].compactMap { parts.indices.contains($0) ? parts[$0] : nil }
                .filter { !$0.isEmpty }.joined(separator: " ")
        }

        private static func keep(_ text: String, without prefixes: [String], in values: inout [String]) {
            var value = text.trimmed
            for prefix in prefixes where value.lowercased().hasPrefix(prefix) { value.removeFirst(prefix.count) }
            // More than a contact may have are counted, and not kept.
            if !value.isEmpty, values.count < 100 { values.append(value) }
        }
    }

    /// The cards of a file, at most `most` and one more, which tells that there are too many.
    ///
    /// Reads each byte a fixed number of times. What is no vCard is no card.
    static func cards(in bytes: ArraySlice<UInt8>, most: Int) -> [Card] {
        var lines = Lines(bytes)
        var cards: [Card] = []
        var depth = 0
        // Cards within cards within cards are no address book.
        while cards.count <= most, depth < 10, let line = lines.next() {
            let isCard = ["BEGIN", "END"].contains(line.name) && line.text.trimmed.uppercased() == "VCARD"
            switch line.name {
            case "BEGIN" where isCard:
                depth += 1
                if depth == 1 { cards.append(Card(number: cards.count + 1)) }
            case "END" where isCard && depth > 0:
                depth -= 1
                if depth == 0, let last = cards.indices.last { cards[last].end() }
            // A card within a card is somebody else's.
            case _ where depth == 1: if let last = cards.indices.last { cards[last].take(line) }
            default: break
            }
        }
        return cards
    }

    /// A property of a card.
    fileprivate struct Line {
        /// In upper case, without its group.
        let name: String
        /// As it is written, but for quoted-printable.
        private let value: [UInt8]

        init(name: String, value: [UInt8]) {
            (self.name, self.value) = (name, value)
        }

        /// The value with its escapes undone.
        var text: String { Self.unescaped(value[...]) }

        /// What stands between semicolons that are not escaped.
        var parts: [String] {
            var parts: [String] = []
            var start = value.startIndex
            var index = value.startIndex
            while index < value.endIndex, parts.count < 20 {
                if value[index] == UInt8(ascii: "\\") {
                    index += 2
                    continue
                }
                if value[index] == UInt8(ascii: ";") {
                    parts.append(Self.unescaped(value[start..<index]))
                    start = index + 1
                }
                index += 1
            }
            return parts + [Self.unescaped(value[min(start, value.endIndex)...])]
        }

        private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            var isEscaped = false
            for byte in bytes {
                if isEscaped {
                    result.append(byte == UInt8(ascii: "n") || byte == UInt8(ascii: "N") ? 0x0a : byte)
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else {
                    result.append(byte)
                }
            }
            return String(decoding: result, as: UTF8.self).storable
        }
    }

    /// The properties of a file: folded lines as one, quoted-printable undone, those that nobody asks for left out.
    private struct Lines {
        private let bytes: ArraySlice<UInt8>
        private var index: Int

        init(_ bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            index = bytes.startIndex
        }

        mutating func next() -> Line? {
            while let first = physical() {
                guard let colon = Self.colon(in: first) else { continue }
                let names = first[..<colon].split(separator: UInt8(ascii: ";"), maxSplits: 20)
                guard let bare = names.first?.split(separator: UInt8(ascii: ".")).last, bare.count <= 16 else {
                    continue
                }
                let name = String(decoding: bare, as: UTF8.self).uppercased()
                guard VCard.names.contains(name) else { continue }
                let isQuoted = names.dropFirst().contains { parameter in
                    String(decoding: parameter.prefix(40), as: UTF8.self).uppercased().hasSuffix("QUOTED-PRINTABLE")
                }
                var value = Array(first[(colon + 1)...])
                while let more = isQuoted ? softBreak(&value) : fold() { value += more }
                return Line(name: name, value: isQuoted ? Self.unquoted(value) : value)
            }
            return nil
        }

        /// The next line without its end.
        private mutating func physical() -> ArraySlice<UInt8>? {
            guard index < bytes.endIndex else { return nil }
            let line = bytes[index...].prefix { $0 != 0x0a && $0 != 0x0d }
            index = line.endIndex
            if index < bytes.endIndex, bytes[index] == 0x0d { index += 1 }
            if index < bytes.endIndex, bytes[index] == 0x0a { index += 1 }
            return line
        }

        /// The next line when it goes on with this one, without the white space in front.
        private mutating func fold() -> ArraySlice<UInt8>? {
            guard index < bytes.endIndex, bytes[index] == 0x20 || bytes[index] == 0x09 else { return nil }
            return physical()?.dropFirst()
        }

        /// The next line when this one ends with `=`, which is taken off.
        private mutating func softBreak(_ value: inout [UInt8]) -> ArraySlice<UInt8>? {
            guard value.last == UInt8(ascii: "=") else { return nil }
            value.removeLast()
            return physical()
        }

        /// The first colon that is not within quotes.
        private static func colon(in line: ArraySlice<UInt8>) -> Int? {
            var isQuoted = false
            for (place, byte) in zip(line.indices, line).prefix(1_000) {
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                if byte == UInt8(ascii: ":"), !isQuoted { return place }
            }
            return nil
        }

        private static func unquoted(_ value: [UInt8]) -> [UInt8] {
            var result: [UInt8] = []
            result.reserveCapacity(value.count)
            var index = value.startIndex
            while index < value.endIndex {
                if value[index] == UInt8(ascii: "="), index + 2 < value.endIndex,
                    let byte = UInt8(String(decoding: value[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
                {
                    result.append(byte)
                    index += 3
                } else {
                    result.append(value[index])
                    index += 1
                }
            }
            return result
        }
    }

    private static let names: Set = ["BEGIN", "END", "UID", "FN", "N", "ORG", "NICKNAME", "TEL", "EMAIL", "NOTE"]
}

extension VCard {
    /// A card of version 3.0, which every phone reads.
    package static func card(of contact: Contact) -> [UInt8] {
        var card: [UInt8] = []
        func line(_ name: String, _ value: String) { card += folded("\(name):\(value)") }
        line("BEGIN", "VCARD")
        line("VERSION", "3.0")
        line("UID", contact.id.text)
        line("FN", escaped(contact.name))
        line("N", ";\(escaped(contact.name));;;")
        for number in contact.numbers { line("TEL", escaped(number)) }
        for email in contact.emails { line("EMAIL", escaped(email)) }
        if !contact.note.isEmpty { line("NOTE", escaped(contact.note)) }
        line("END", "VCARD")
        return card
    }

    private static func escaped(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x0d: break
            case 0x0a: result += "\\n".utf8
            case UInt8(ascii: "\\"), UInt8(ascii: ","), UInt8(ascii: ";"): result += [UInt8(ascii: "\\"), byte]
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A line of at most 75 bytes, and what follows below it behind a space. No character is cut.
    private static func folded(_ line: String) -> [UInt8] {
        var result: [UInt8] = []
        var length = 0
        for scalar in line.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if length + bytes.count > 75 {
                result += [0x0d, 0x0a, 0x20]
                length = 1
            }
            result += bytes
            length += bytes.count
        }
        return result + [0x0d, 0x0a]
    }
}
