import Crypto

/// Tokens that cannot be guessed: 256 bits as 64 hexadecimal digits.
package enum RandomToken {
    /// Draws one.
    package static func make() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { bytes in
            bytes.reduce(into: "") { text, byte in
                text.append(Self.digits[Int(byte >> 4)])
                text.append(Self.digits[Int(byte & 15)])
            }
        }
    }

    /// Whether `text` has the form of one.
    package static func isToken(_ text: String) -> Bool {
        text.utf8.count == 64 && text.allSatisfy(digits.contains)
    }

    /// Compares in the same time whatever differs.
    package static func areEqual(_ left: String, _ right: String) -> Bool {
        SymmetricKey(data: Array(left.utf8)) == SymmetricKey(data: Array(right.utf8))
    }

    private static let digits = Array("0123456789abcdef")
}
