/// Which bytes of a JSON text belong to strings, asked byte by byte from its beginning.
package struct JSONStringState {
    /// Whether a string has begun that has not ended yet.
    package private(set) var isOpen = false
    private var isEscaped = false

    /// At the beginning of a text.
    package init() {}

    /// Takes the next byte.
    ///
    /// - Parameter byte: Any byte.
    /// - Returns: True for one of a string, both quotation marks included.
    package mutating func takes(_ byte: UInt8) -> Bool {
        guard isOpen else {
            isOpen = byte == UInt8(ascii: "\"")
            return isOpen
        }
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isOpen = false
        }
        return true
    }
}
