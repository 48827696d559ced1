/// The bytes of a JSON body, looked at once before any decoder sees them.
///
/// Decoders of JSON call themselves for each level, and make a value of a hundred bytes out of two. So depth and number of
/// values are bounded here, whatever the decoder's own limits are (Foundation's is 512 levels, and no number of values).
/// Whether it is JSON at all is for the decoder to say.
struct JSONBody: Sendable {
    /// Why a body goes to no decoder.
    enum Fault: Error {
        /// It is UTF-16 or UTF-32, which a decoder would read and this would not, or holds a zero byte, which no JSON does.
        case invalid
        /// It is nested deeper than ``maximumDepth``.
        case tooDeep
        /// It has more values than ``maximumValues``.
        case tooManyValues
    }

    /// The deepest body of a route has four levels.
    static let maximumDepth = 64
    /// The longest lists of a route have a thousand entries. A decoder takes some 30 µs for a member whose name is new to it.
    static let maximumValues = 10_000

    /// The same JSON with `\uFFFD`, the replacement character, for each `\u0000`: NUL cannot be stored as text everywhere.
    let bytes: [UInt8]
    /// How many bytes were looked at: each once, and the four after `\u` once more.
    let bytesExamined: Int

    /// Looks at a body.
    init(_ json: some Collection<UInt8>) throws(Fault) {
        var bytes = Array(json)
        if bytes.starts(with: [0xfe, 0xff]) || bytes.starts(with: [0xff, 0xfe]) { throw .invalid }
        var (depth, values, examined) = (0, 1, 0)
        var (isInString, isEscaped) = (false, false)
        for index in bytes.indices {
            examined += 1
            let byte = bytes[index]
            if byte == 0 { throw .invalid }
            if isInString {
                if isEscaped {
                    isEscaped = false
                    guard byte == UInt8(ascii: "u"), index + 4 < bytes.count else { continue }
                    examined += 4
                    guard (1...4).allSatisfy({ bytes[index + $0] == UInt8(ascii: "0") }) else { continue }
                    for (offset, digit) in "FFFD".utf8.enumerated() { bytes[index + 1 + offset] = digit }
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
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
            if depth > Self.maximumDepth { throw .tooDeep }
            if values > Self.maximumValues { throw .tooManyValues }
        }
        self.bytes = bytes
        bytesExamined = examined
    }
}

extension JSONBody.Fault {
    /// For whoever sent the body.
    var reason: String {
        switch self {
        case .invalid: "the body is not valid JSON"
        case .tooDeep: "the body is nested more than \(JSONBody.maximumDepth) levels deep"
        case .tooManyValues: "the body has more than \(JSONBody.maximumValues) values"
        }
    }
}
