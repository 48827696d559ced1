/// The bytes of a JSON text of strangers, such as the body of a request, looked at once before any decoder sees them.
///
/// Decoders of JSON call themselves for each level, and make a value of a hundred bytes out of two. So depth and number of
/// values are bounded here, whatever the decoder's own limits are (Foundation's is 512 levels, and no number of values).
/// Whether it is JSON at all is for the decoder to say.
package struct JSONBody: Sendable {
    /// Why a body goes to no decoder.
    package enum Fault: Error, Hashable {
        /// It is UTF-16 or UTF-32, which a decoder would read and this would not, or holds a zero byte, which no JSON does.
        case invalid
        /// It is nested deeper than ``maximumDepth``.
        case tooDeep
        /// It has more values than ``maximumValues``.
        case tooManyValues
        /// It is JSON, but a member of it cannot be read, for a reason in words.
        case member(String)
    }

    /// The deepest body of a route has four levels.
    package static let maximumDepth = 64
    /// The longest lists of a route have a thousand entries. A decoder takes some 30 µs for a member whose name is new to it.
    package static let maximumValues = 10_000

    /// The same JSON with `\uFFFD`, the replacement character, for each `\u0000`, as NUL cannot be stored as text everywhere,
    /// and for each half of a surrogate pair that has no other half: the grammar allows it (RFC 8259 section 8.2), and text
    /// that was cut inside of an emoji holds one. Runs of marks are broken, see ``StreamSafeText``: a decoder compares names.
    package let bytes: [UInt8]
    /// How many bytes were looked at: each once, and the four after `\u` at most twice more.
    package let bytesExamined: Int

    /// Looks at a body.
    ///
    /// - Parameters:
    ///   - json: The body.
    ///   - isBounded: Whether depth and number of values are bounded. Answers, which a command asked for, have as many as they
    ///     have; the decoder bounds their depth.
    /// - Throws: ``Fault``, but not its `member`.
    package init(_ json: some Collection<UInt8>, isBounded: Bool = true) throws(Fault) {
        var bytes = Array(json)
        if bytes.starts(with: [0xfe, 0xff]) || bytes.starts(with: [0xff, 0xfe]) { throw .invalid }
        var (depth, values, examined) = (0, 1, 0)
        var (isInString, isEscaped) = (false, false)
        // Where the second half of a surrogate pair is whose first half was seen.
        var trail = -1
        var escapeEnd = 0
        var runs = StreamSafeText()
        // Where runs of marks have to be broken.
        var breaks: [Int] = []
        for index in bytes.indices {
            examined += 1
            let byte = bytes[index]
            if byte == 0 { throw .invalid }
            if isInString {
                if isEscaped {
                    isEscaped = false
                    guard byte == UInt8(ascii: "u"), let unit = Self.codeUnit(bytes, at: index + 1) else {
                        runs.passLetter()
                        continue
                    }
                    examined += 4
                    escapeEnd = index + 5
                    if UTF16.isLeadSurrogate(unit), let second = Self.trail(bytes, at: escapeEnd) {
                        examined += 4
                        trail = index + 6
                        let pair =
                            0x10000
                            + (UInt32(truncatingIfNeeded: unit & 0x3FF) << 10
                                | UInt32(truncatingIfNeeded: second & 0x3FF))
                        if runs.breaks(before: Unicode.Scalar(pair) ?? "\u{FFFD}") { breaks.append(index - 1) }
                    } else if let scalar = Unicode.Scalar(unit), unit != 0 {
                        if runs.breaks(before: scalar) { breaks.append(index - 1) }
                    } else if UTF16.isSurrogate(unit) && index != trail || unit == 0 {
                        for (offset, digit) in "FFFD".utf8.enumerated() { bytes[index + 1 + offset] = digit }
                    }
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                    runs.passLetter()
                } else if byte < 0xCC {
                    // No mark begins so. What goes on with a character, and the digits of an escape, are part of it.
                    if byte & 0xC0 != 0x80, index >= escapeEnd { runs.passLetter() }
                } else if runs.breaks(before: Self.scalar(bytes, at: index)) {
                    breaks.append(index)
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                values += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ","): values += 1
            default: break
            }
            if isBounded, depth > Self.maximumDepth { throw .tooDeep }
            if isBounded, values > Self.maximumValues { throw .tooManyValues }
        }
        self.bytes = breaks.isEmpty ? bytes : Self.broken(bytes, at: breaks)
        bytesExamined = examined
    }

    /// `bytes` with a joiner before each of `places`, which are in order.
    private static func broken(_ bytes: [UInt8], at places: [Int]) -> [UInt8] {
        var (result, start): ([UInt8], Int) = ([], 0)
        result.reserveCapacity(bytes.count + 2 * places.count)
        for place in places {
            result += bytes[start..<place]
            result += StreamSafeText.joiner
            start = place
        }
        return result + bytes[start...]
    }

    /// The character whose first byte is at `index`; U+FFFD where that is none.
    private static func scalar(_ bytes: [UInt8], at index: Int) -> Unicode.Scalar {
        let (lead, more) = (bytes[index], bytes[index] < 0xE0 ? 1 : bytes[index] < 0xF0 ? 2 : 3)
        guard index + more < bytes.count else { return "\u{FFFD}" }
        let first = UInt32(truncatingIfNeeded: lead & 0x3F >> more)
        let value = bytes[(index + 1)...(index + more)].reduce(first) {
            $0 << 6 | UInt32(truncatingIfNeeded: $1 & 0x3F)
        }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// From 2^53 on a `Double` also stands for integers beside it.
    private static let roundedNumbers: Double = 9_007_199_254_740_992

    /// The same JSON with `true` for each number that is not a 64-bit integer.
    package var withoutFractions: [UInt8] {
        var result: [UInt8] = []
        var strings = JSONStringState()
        var number: [UInt8] = []
        func finishNumber() {
            if number.isEmpty { return }
            let text = String(decoding: number, as: UTF8.self)
            let rounded = Double(text).flatMap { abs($0) < Self.roundedNumbers ? Int64(exactly: $0) : nil }
            let isFraction = Self.isNumber(number) && Int64(text) == nil && rounded == nil
            result += isFraction ? Array("true".utf8) : number
            number = []
        }
        for byte in bytes {
            if !strings.takes(byte), "+-.0123456789eE".utf8.contains(byte),
                !number.isEmpty || "-0123456789".utf8.contains(byte)
            {
                number.append(byte)
            } else {
                finishNumber()
                result.append(byte)
            }
        }
        finishNumber()
        return result
    }

    /// Whether `text` is a number as JSON writes one (RFC 8259, section 6).
    package static func isNumber(_ text: [UInt8]) -> Bool {
        var index = text.first == UInt8(ascii: "-") ? 1 : 0
        /// Passes over digits; gives how many there were.
        func digits() -> Int {
            let start = index
            while index < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) { index += 1 }
            return index - start
        }
        /// Passes over one of `bytes`, when it is next.
        func skip(_ bytes: String) -> Bool {
            guard index < text.count, bytes.utf8.contains(text[index]) else { return false }
            index += 1
            return true
        }
        let isZero = index < text.count && text[index] == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !isZero || whole == 1 else { return false }
        if skip("."), digits() == 0 { return false }
        if skip("eE") {
            _ = skip("+-")
            if digits() == 0 { return false }
        }
        return index == text.count
    }

    /// The number that four hexadecimal digits write; nil when there are no four.
    package static func codeUnit(_ bytes: [UInt8], at index: Int) -> UInt16? {
        guard index + 4 <= bytes.count else { return nil }
        var unit: UInt16 = 0
        for byte in bytes[index..<index + 4] {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
            unit = unit << 4 | UInt16(clamping: digit)
        }
        return unit
    }

    /// The second half of a surrogate pair that is escaped at `index`; nil when none is.
    private static func trail(_ bytes: [UInt8], at index: Int) -> UInt16? {
        guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u"),
            let unit = codeUnit(bytes, at: index + 2)
        else { return nil }
        return UTF16.isTrailSurrogate(unit) ? unit : nil
    }
}

extension JSONBody.Fault {
    /// For whoever sent the body.
    package var reason: String {
        switch self {
        case .invalid: "the body is not valid JSON"
        case .tooDeep: "the body is nested more than \(JSONBody.maximumDepth) levels deep"
        case .tooManyValues: "the body has more than \(JSONBody.maximumValues) values"
        case .member(let reason): reason
        }
    }
}
