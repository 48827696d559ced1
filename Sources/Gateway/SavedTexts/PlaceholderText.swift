import Timestamps
import Wire

/// A text with placeholders: where `{{name}}` stands, a value is put. There are no conditions and no loops in it, and a
/// value is never looked through for placeholders of its own.
///
/// | text | is |
/// |---|---|
/// | `{{name}}`, `{{ Name }}` | a placeholder: case, spaces and marks that nobody sees are all the same |
/// | `{{{name}}}` | a placeholder between braces |
/// | `{{}}`, `{{a{b}}`, `{{name`, `}}`, a name with a line break or of more than 100 bytes | text |
package struct PlaceholderText: Sendable {
    private enum Piece: Sendable {
        case text(String)
        /// As it is written.
        case placeholder(String)
    }

    private let pieces: [Piece]
    /// The names of its placeholders as they are written, each once, in the order in which they come.
    package let names: [String]
    /// How many placeholders it has, with those that come again.
    package let count: Int
    /// How many bytes were looked at: at most three for each of the text.
    let bytesExamined: Int

    /// More in one text would be a form and no message. It bounds how often a value is repeated.
    package static let mostPlaceholders = 20
    /// In bytes; headings of tables are shorter.
    private static let longestName = 100

    /// Takes `text` apart, byte by byte in one pass.
    package init(_ text: String) {
        let bytes = Array(text.utf8)
        var pieces: [Piece] = []
        var names: [String] = []
        var keys: Set<String> = []
        var (count, examined) = (0, bytes.count)
        // Where the text begins that is in no piece yet, and the name after the last two braces.
        var (begin, name): (Int, Int?) = (0, nil)
        func isTwice(_ byte: UInt8, at index: Int) -> Bool {
            bytes[index] == byte && index + 1 < bytes.count && bytes[index + 1] == byte
        }
        var index = 0
        while index < bytes.count {
            if isTwice(UInt8(ascii: "{"), at: index) {
                name = index + 2
            } else if let start = name, isTwice(UInt8(ascii: "}"), at: index) {
                examined += min(index - start, Self.longestName)
                if let found = Self.name(bytes[start..<index]) {
                    if begin < start - 2 { pieces.append(.text(Self.text(bytes[begin..<(start - 2)]))) }
                    pieces.append(.placeholder(found))
                    count += 1
                    if keys.insert(Self.key(found)).inserted { names.append(found) }
                    begin = index + 2
                    index += 1
                }
                name = nil
            }
            index += 1
        }
        if begin < bytes.count { pieces.append(.text(Self.text(bytes[begin...]))) }
        (self.pieces, self.names, self.count, bytesExamined) = (pieces, names, count, examined)
    }

    /// A text with its values.
    package struct Filled: Sendable, Hashable {
        /// Placeholders without a value are in it as they were written.
        package var text: String
        /// The names of those, each once.
        package var missing: [String]
    }

    /// Puts values in the place of the placeholders. Blank is as good as none.
    ///
    /// - Parameters:
    ///   - limit: In UTF-16 units: a text that has become longer gets no longer, so that many values cannot fill the memory.
    ///   - value: The value of a name, which it is given as ``key(_:)`` makes it.
    /// - Returns: The text, and the placeholders for which there was none.
    func filled(limit: Int = .max, _ value: (String) -> String?) -> Filled {
        var (text, length, missing) = ("", 0, [String: String]())
        func add(_ part: String) {
            guard length <= limit else { return }
            text += part
            length = length.clampedAdding(part.utf16.count)
        }
        for piece in pieces {
            switch piece {
            case .text(let part): add(part)
            case .placeholder(let name):
                if let found = value(Self.key(name)), !found.trimmed.isEmpty {
                    add(found)
                } else {
                    missing[Self.key(name)] = name
                    add("{{\(name)}}")
                }
            }
        }
        return Filled(text: text, missing: names.filter { missing[Self.key($0)] != nil })
    }

    /// What stands for a name wherever it is looked for: without case, spaces and marks that nobody sees.
    package static func key(_ name: String) -> String {
        var key = String.UnicodeScalarView()
        key.append(
            contentsOf: name.lowercased().unicodeScalars.lazy.filter { scalar in
                !scalar.properties.isWhitespace && !scalar.properties.isDefaultIgnorableCodePoint
            })
        return String(key)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// The name between braces; nil when it is none.
    private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count <= longestName,
            bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "}") })
        else { return nil }
        let name = text(bytes).trimmed
        return key(name).isEmpty ? nil : name
    }
}
