import JSON

/// The second reading of JSON that could not be read: for what a phone reports, which it forgets when it is refused.
///
/// Each function looks at every byte a fixed number of times, whatever is in them.
enum LenientJSON {
    /// The same JSON as a decoder can read it: U+FFFD stands for bytes that are not UTF-8 and for NUL, control characters
    /// inside of strings are escaped, and so is a backslash that begins no escape.
    static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        let text = unicode(bytes)
        var repaired: [UInt8] = []
        repaired.reserveCapacity(text.count)
        var isInString = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            switch byte {
            case quote:
                isInString.toggle()
                repaired.append(byte)
            case backslash where isInString:
                guard let length = escapeLength(text, at: index) else {
                    repaired += [backslash, backslash]
                    continue
                }
                repaired.append(byte)
                repaired += text[index..<index + length]
                index += length
            case 0..<0x20 where isInString: repaired += escape(of: byte)
            default: repaired.append(byte)
            }
        }
        return repaired
    }

    /// The same JSON with the text of the member `name` escaped, for clients that put it between quotes as it is; nil when
    /// there is no such member.
    ///
    /// The text ends before the member of `others` that follows it, at the last place where one may; or else at the
    /// end of the object:
    ///
    ///     {"event_name": "FAILED", "reason": "no "SIM", sorry", "timestamp": "2026-07-22T10:15:29Z"}
    ///
    /// - Parameters:
    ///   - name: The member that any text may be in.
    ///   - others: All other members that the object may have.
    ///   - bytes: An object of strings.
    /// - Returns: The object with that text escaped; nil without such a member, or an end of it.
    static func escapingText(of name: String, besides others: [String], in bytes: [UInt8]) -> [UInt8]? {
        let text = unicode(bytes)
        guard let start = text.indices.lazy.compactMap({ textStart(of: name, in: text, at: $0) }).first else {
            return nil
        }
        let isBehind = others.filter { other in
            !text[..<start].indices.contains { textStart(of: other, in: text, at: $0) != nil }
        }
        var ends: [(quote: Int, rest: Int)] = []
        for index in start..<text.count where text[index] == quote {
            let rest = skipping(text, from: index + 1, comma: true)
            if isBehind.contains(where: { textStart(of: $0, in: text, at: rest, orAnyValue: true) != nil }) {
                ends.append((index, rest))
            }
        }
        // With several behind it, the first that follows ends the text; with one, the last place that looks like it.
        guard let end = (isBehind.count > 1 ? ends.first : ends.last) ?? closing(text, after: start) else { return nil }
        var whole = Array(text[..<start])
        for byte in text[start..<end.quote] {
            switch byte {
            case quote, backslash: whole += [backslash, byte]
            case 0..<0x20: whole += escape(of: byte)
            default: whole.append(byte)
            }
        }
        return whole + [quote] + (text[end.rest] == UInt8(ascii: "}") ? [] : [UInt8(ascii: ",")]) + text[end.rest...]
    }

    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    private static func unicode(_ bytes: [UInt8]) -> [UInt8] {
        Array(String(decoding: bytes, as: UTF8.self).utf8)
    }

    /// How many bytes after a backslash belong to its escape; nil when it begins none.
    private static func escapeLength(_ text: [UInt8], at index: Int) -> Int? {
        guard index < text.count else { return nil }
        switch text[index] {
        case quote, backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 1
        case UInt8(ascii: "u"):
            return JSONBody.codeUnit(text, at: index + 1) == nil ? nil : 5
        default: return nil
        }
    }

    private static func escape(of control: UInt8) -> [UInt8] {
        if control == 0 { return Array(#"\uFFFD"#.utf8) }
        let digits = Array("0123456789abcdef".utf8)
        return Array(#"\u00"#.utf8) + [digits[Int(control >> 4)], digits[Int(control & 15)]]
    }

    /// Where the text of the member `name` begins, when its name stands at `index`; with `orAnyValue` it need not be text.
    private static func textStart(of name: String, in text: [UInt8], at index: Int, orAnyValue: Bool = false) -> Int? {
        guard index < text.count, text[index] == quote else { return nil }
        let key = [quote] + Array(name.utf8) + [quote]
        guard text[index...].starts(with: key) else { return nil }
        let colon = skipping(text, from: index + key.count)
        guard colon < text.count, text[colon] == UInt8(ascii: ":") else { return nil }
        let value = skipping(text, from: colon + 1)
        guard value < text.count else { return nil }
        if text[value] == quote { return value + 1 }
        return orAnyValue ? value : nil
    }

    /// The last quote that only white space and the end of the object follow.
    private static func closing(_ text: [UInt8], after start: Int) -> (quote: Int, rest: Int)? {
        func isSpace(_ index: Int) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(text[index]) }
        var index = text.count - 1
        while index > start, isSpace(index) { index -= 1 }
        guard index > start, text[index] == UInt8(ascii: "}") else { return nil }
        let brace = index
        index -= 1
        while index > start, isSpace(index) { index -= 1 }
        return index >= start && text[index] == quote ? (index, brace) : nil
    }

    /// The first index from `index` on that holds no white space, and no comma among it.
    private static func skipping(_ text: [UInt8], from index: Int, comma: Bool = false) -> Int {
        var (index, mayBeComma) = (index, comma)
        while index < text.count {
            switch text[index] {
            case 0x20, 0x09, 0x0a, 0x0d: index += 1
            case UInt8(ascii: ",") where mayBeComma:
                mayBeComma = false
                index += 1
            default: return index
            }
        }
        return index
    }
}
