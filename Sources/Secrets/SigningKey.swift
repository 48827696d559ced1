/// Signing keys that we draw.
package enum SigningKey {
    /// 32 random bytes as 64 hexadecimal digits: any library takes it as text.
    package static func random() -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: (0..<64).map { _ in digits[Int.random(in: 0..<16)] }, as: UTF8.self)
    }
}
