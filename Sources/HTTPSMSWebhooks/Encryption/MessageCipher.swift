import Crypto
import CryptoExtras
#if canImport(Darwin)
    import Foundation
#else
    import FoundationEssentials
#endif

/// Encrypts and decrypts the text of messages end to end, as the httpSMS app and its Go and Node clients do.
///
///     let cipher = MessageCipher(passphrase: "Password123")
///     let text = try cipher.decrypt(sms.content)
///
/// AES-256 in CFB mode with 128 bits of feedback; the key is the SHA-256 of the passphrase, and 16 random bytes stand in
/// front of the ciphertext, all in base64. This is how the apps are made, so it cannot be made better here: nothing
/// authenticates the ciphertext. **A wrong passphrase or a changed text is seldom noticed**, only when what comes out is
/// not UTF-8; verify the signature of the webhook first.
public struct MessageCipher: Sendable {
    private let key: SymmetricKey

    /// Makes a cipher.
    ///
    /// - Parameter passphrase: the encryption key as it was entered in the app; its UTF-8 bytes count.
    public init(passphrase: String) {
        key = SymmetricKey(data: SHA256.hash(data: Array(passphrase.utf8)))
    }

    /// Encrypts a text with a fresh initialization vector.
    ///
    /// - Returns: what goes into `content`, with `encrypted` set to true: 4/3 of the text's bytes and 24 characters more.
    /// - Throws: when the cryptography library fails, which it does for no text.
    public func encrypt(_ text: String) throws -> String {
        var generator = SystemRandomNumberGenerator()
        return try encrypt(
            text, vector: (0..<Self.vectorLength).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// Encrypts with a given initialization vector of 16 bytes, for the test vector.
    package func encrypt(_ text: String, vector: [UInt8]) throws -> String {
        let ciphertext = try AES._CFB.encrypt(Array(text.utf8), using: key, iv: AES._CFB.IV(ivBytes: vector))
        return (Data(vector) + ciphertext).base64EncodedString()
    }

    /// Decrypts the `content` of a message or event that is marked as encrypted.
    ///
    /// - Returns: the text that was encrypted, if the passphrase is the right one.
    /// - Throws: ``MessageCipherError`` when `content` was not made by this scheme, or does not decrypt to text.
    public func decrypt(_ content: String) throws(MessageCipherError) -> String {
        guard let bytes = Data(base64Encoded: content) else { throw .notBase64 }
        guard bytes.count >= Self.vectorLength else { throw .tooShort }
        let text: Data
        do {
            let vector = try AES._CFB.IV(ivBytes: bytes.prefix(Self.vectorLength))
            text = try AES._CFB.decrypt(bytes.dropFirst(Self.vectorLength), using: key, iv: vector)
        } catch {
            throw .notText
        }
        guard let text = String(validating: text, as: UTF8.self) else { throw .notText }
        return text
    }

    /// The block length of AES.
    private static let vectorLength = 16
}

/// Why a content cannot be decrypted.
public enum MessageCipherError: Error, Sendable, Hashable {
    /// It is not base64.
    case notBase64
    /// It has less than the 16 bytes of an initialization vector.
    case tooShort
    /// What comes out is not text: the passphrase is wrong, or the content was changed.
    case notText
}
