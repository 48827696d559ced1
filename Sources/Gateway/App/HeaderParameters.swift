import Wire

/// A header's value with parameters, such as `form-data; name="document"; filename="a.csv"`, read in one pass over its bytes.
package struct HeaderParameters: Sendable {
    /// What stands before the first semicolon, lower-cased.
    package let value: String
    /// How many bytes were looked at: at most two for each of the header.
    let bytesExamined: Int

    private let parameters: [String: String]

    /// The parameter `name`, in lower case; of two with one name, the first.
    package subscript(_ name: String) -> String? { parameters[name] }

    /// The parameter `filename`, or where that is empty or missing, `filename*` (RFC 8187, such as `utf-8''list.csv`); nil when
    /// there is neither.
    var fileName: String? {
        if let name = self["filename"], !name.isEmpty { return name }
        guard let extended = self["filename*"] else { return self["filename"] }
        let parts = extended.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return extended }
        let bytes = Self.unescaped(parts[2].utf8)
        return switch parts[0].lowercased() {
        case "iso-8859-1": String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        default: String(decoding: bytes, as: UTF8.self).storable
        }
    }

    /// The bytes of `%` and two hexadecimal digits, and all others as they are.
    private static func unescaped(_ text: Substring.UTF8View) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2, digits.first != UInt8(ascii: "+"),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// Reads a header. What is not UTF-8 is repaired, and what is not a parameter is left out.
    package init(_ header: some Collection<UInt8>) {
        var reader = Reader(bytes: Array(header))
        value = Self.text(reader.upTo([UInt8(ascii: ";")])).lowercased()
        var parameters: [String: String] = [:]
        while reader.take() != nil {
            let name = Self.text(reader.upTo([UInt8(ascii: "="), UInt8(ascii: ";")])).lowercased()
            guard reader.next == UInt8(ascii: "=") else { continue }
            _ = reader.take()
            let text = reader.next == UInt8(ascii: "\"") ? reader.quoted() : Self.text(reader.upTo([UInt8(ascii: ";")]))
            _ = reader.upTo([UInt8(ascii: ";")])
            if parameters[name] == nil { parameters[name] = text }
        }
        self.parameters = parameters
        bytesExamined = reader.examined
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self).storable
    }

    /// Goes over bytes once, and counts those it looked at.
    private struct Reader {
        let bytes: [UInt8]
        private var index = 0
        private(set) var examined = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// The byte that comes next; nil at the end.
        var next: UInt8? { index < bytes.count ? bytes[index] : nil }

        mutating func take() -> UInt8? {
            guard let next else { return nil }
            index += 1
            examined += 1
            return next
        }

        /// What stands before the first of `ends`, which is left.
        mutating func upTo(_ ends: [UInt8]) -> ArraySlice<UInt8> {
            let start = index
            while let next, !ends.contains(next) { _ = take() }
            return bytes[start..<index]
        }

        /// What stands between quotes. Browsers escape a quote as %22, others with a backslash.
        mutating func quoted() -> String {
            var text: [UInt8] = []
            _ = take()
            while let byte = take(), byte != UInt8(ascii: "\"") {
                text.append(byte == UInt8(ascii: "\\") ? take() ?? byte : byte)
            }
            return String(decoding: text, as: UTF8.self).storable
        }
    }
}
