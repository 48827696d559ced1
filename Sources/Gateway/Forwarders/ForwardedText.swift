import Foundation
import Wire

/// Bytes of a request as text.
enum ForwardedText {
    /// Reads UTF-8; what is none in the charset that the request names, or by its byte order mark; and with U+FFFD for what
    /// is not text in any of these.
    static func decoded(_ bytes: some Collection<UInt8>, charset: String?) -> String {
        text(of: bytes, charset: charset).storable
    }

    private static func text(of bytes: some Collection<UInt8>, charset: String?) -> String {
        let charset = (charset ?? "").lowercased()
        let bytes = Array(bytes)
        if bytes.starts(with: [0xfe, 0xff]) || bytes.starts(with: [0xff, 0xfe]) || charset.hasPrefix("utf-16") {
            let encoding: String.Encoding =
                switch charset {
                case "utf-16le": .utf16LittleEndian
                case "utf-16be": .utf16BigEndian
                default: .utf16
                }
            if let text = String(bytes: bytes, encoding: encoding) { return withoutMark(text) }
        }
        if let text = String(validating: bytes, as: UTF8.self) { return withoutMark(text) }
        if ["iso-8859-1", "latin1", "iso-8859-15", "windows-1252", "cp1252"].contains(charset),
            let text = String(bytes: bytes, encoding: .windowsCP1252) ?? String(bytes: bytes, encoding: .isoLatin1)
        {
            return text
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func withoutMark(_ text: String) -> String {
        text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    }

    /// Names and values of a form or a query, decoded, of which the first ``maximumFields`` are read. `+` is a space.
    static func fields(_ bytes: some Collection<UInt8>, charset: String?) -> [(name: String, value: String)] {
        Array(bytes).split(separator: UInt8(ascii: "&"), maxSplits: maximumFields).prefix(maximumFields).map { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let texts = parts.map { decoded(unescaped($0), charset: charset) }
            return (texts.first ?? "", texts.count > 1 ? texts[1] : "")
        }
    }

    /// More than any app sends. What follows is not looked at.
    static let maximumFields = 1_000

    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "%"), let high = digit(text, index), let low = digit(text, index + 1) {
                bytes.append(high << 4 | low)
                index += 2
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return bytes
    }

    private static func digit(_ text: ArraySlice<UInt8>, _ index: Int) -> UInt8? {
        guard index < text.endIndex else { return nil }
        switch text[index] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return text[index] - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): return text[index] - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): return text[index] - UInt8(ascii: "a") + 10
        default: return nil
        }
    }
}
