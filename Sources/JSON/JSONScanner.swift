/// Checks a JSON document against RFC 8259 and finds the members of its outermost object, without building values.
///
/// `JSONDecoder` cannot hand out the bytes of a member, and checks strings and numbers only when they are asked for;
/// the data of an unknown event is kept as bytes, so all of it must be known to be JSON.
package struct JSONScanner {
    /// Far beyond any event, and far below what the stack of a task holds.
    private static let deepestNesting = 128

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The members of the object that `document` is, in their order: the name in its quotes and the value, as bytes.
    package static func members(
        of document: [UInt8]
    ) throws(JSONFault) -> [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        guard String(validating: document, as: UTF8.self) != nil else {
            throw JSONFault.malformed(reason: "the text is not UTF-8", offset: 0)
        }
        var scanner = JSONScanner(document)
        var members: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
        scanner.space()
        let isObject = scanner.next == UInt8(ascii: "{")
        if isObject {
            try scanner.object { name, value in members.append((document[name], document[value])) }
        } else {
            try scanner.value()
        }
        scanner.space()
        guard scanner.next == nil else { throw scanner.fault("something follows the document") }
        guard isObject else { throw .notAnObject }
        return members
    }

    /// The elements of the array that `document` is, in their order, as bytes.
    package static func elements(of document: [UInt8]) throws(JSONFault) -> [ArraySlice<UInt8>] {
        var scanner = JSONScanner(document)
        var elements: [ArraySlice<UInt8>] = []
        scanner.space()
        try scanner.array { elements.append(document[$0]) }
        scanner.space()
        guard scanner.next == nil else { throw scanner.fault("something follows the document") }
        return elements
    }

    private var next: UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private func fault(_ reason: String) -> JSONFault {
        .malformed(reason: next == nil ? "the document ends too early" : reason, offset: position)
    }

    private mutating func space() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(JSONFault) {
        guard skip(character) else { throw fault("\"\(character)\" is expected") }
    }

    private mutating func value() throws(JSONFault) {
        switch next {
        case UInt8(ascii: "{"): try object { _, _ in }
        case UInt8(ascii: "["): try array()
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: try number()
        }
    }

    private mutating func object(_ found: (Range<Int>, Range<Int>) -> Void) throws(JSONFault) {
        try enter("{")
        space()
        if !skip("}") {
            repeat {
                space()
                let name = position
                try string()
                let nameEnd = position
                space()
                try expect(":")
                space()
                let start = position
                try value()
                found(name..<nameEnd, start..<position)
                space()
            } while skip(",")
            try expect("}")
        }
        depth -= 1
    }

    private mutating func array(_ found: (Range<Int>) -> Void = { _ in }) throws(JSONFault) {
        try enter("[")
        space()
        if !skip("]") {
            repeat {
                space()
                let start = position
                try value()
                found(start..<position)
                space()
            } while skip(",")
            try expect("]")
        }
        depth -= 1
    }

    private mutating func enter(_ bracket: Unicode.Scalar) throws(JSONFault) {
        guard depth < Self.deepestNesting else { throw fault("the nesting is too deep") }
        depth += 1
        try expect(bracket)
    }

    private mutating func string() throws(JSONFault) {
        try expect("\"")
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw fault("a control character stands in a string") }
            position += 1
            guard byte == UInt8(ascii: "\\") else { continue }
            switch next {
            case UInt8(ascii: "u"):
                position += 1
                for _ in 0..<4 {
                    guard let digit = next, Character(Unicode.Scalar(digit)).isHexDigit else {
                        throw fault("a hexadecimal digit is expected")
                    }
                    position += 1
                }
            case let escape? where #""\/bfnrt"#.utf8.contains(escape): position += 1
            default: throw fault("an escape is unknown")
            }
        }
        try expect("\"")
    }

    private mutating func number() throws(JSONFault) {
        _ = skip("-")
        if !skip("0") { try digits() }
        if skip(".") { try digits() }
        if skip("e") || skip("E") {
            _ = skip("+") || skip("-")
            try digits()
        }
    }

    private mutating func digits() throws(JSONFault) {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw fault("a value is expected") }
    }

    private mutating func literal(_ text: String) throws(JSONFault) {
        guard bytes[position...].starts(with: text.utf8) else { throw fault("a value is expected") }
        position += text.utf8.count
    }
}
