import JSON

/// JSON with a line for each member and element, to be read by people. Nothing but the white space between tokens is changed.
enum IndentedJSON {
    /// The depth of what is worth reading. What is deeper would be mostly white space.
    private static let deepest = 16

    /// `bytes` indented; nil when they are not JSON by the look of them, or too deep.
    ///
    /// Looks at each byte once. Whether names and numbers are as they must be is not checked.
    static func text(_ bytes: [UInt8]) -> String? {
        guard let first = bytes.first(where: { !isSpace($0) }), opens(first) else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        var (depth, isFresh, strings) = (0, false, JSONStringState())
        for byte in bytes {
            let isInside = strings.isOpen
            if strings.takes(byte), isInside {
                text.append(byte)
                continue
            }
            if isSpace(byte) { continue }
            if closes(byte) {
                depth -= 1
                if depth < 0 { return nil }
                // An empty one stays on its line.
                if !isFresh { text += line(depth) }
            } else if isFresh {
                text += line(depth)
            }
            isFresh = opens(byte)
            text.append(byte)
            switch byte {
            case UInt8(ascii: ","): text += line(depth)
            case UInt8(ascii: ":"): text.append(UInt8(ascii: " "))
            default: if isFresh { depth += 1 }
            }
            if depth > deepest { return nil }
        }
        return depth == 0 && !strings.isOpen ? String(decoding: text, as: UTF8.self) : nil
    }

    private static func line(_ depth: Int) -> [UInt8] {
        [UInt8(ascii: "\n")] + Array(repeating: UInt8(ascii: " "), count: 2 * depth)
    }

    private static func opens(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") }
    private static func closes(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
