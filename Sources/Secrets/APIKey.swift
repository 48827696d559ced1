/// The text of API keys: a prefix and 64 URL-safe base64 characters, 48 random bytes.
package enum APIKey {
    /// Begins the key of an account.
    package static let userPrefix = "uk_"
    /// Begins the key of phones.
    package static let phonePrefix = "pk_"
    /// Begins the key of a program, which may do what its scopes say.
    package static let accessPrefix = "ak_"

    /// Draws a new key.
    package static func random(prefix: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var generator = SystemRandomNumberGenerator()
        let characters = (0..<64).map { _ in alphabet[Int(generator.next() & 63)] }
        return prefix + String(decoding: characters, as: UTF8.self)
    }
}
