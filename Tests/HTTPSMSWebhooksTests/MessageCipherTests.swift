import Foundation
import HTTPSMSWebhooks
import Testing

@Suite struct MessageCipherTests {
    private let cipher = MessageCipher(passphrase: "Password123")

    /// Made with `openssl enc -aes-256-cfb`, as the httpSMS app and its Go and Node clients encrypt.
    private static let vector = "AAECAwQFBgcICQoLDA0ODxc55TlqA2YWGXtjwGbX8jX4p+aYD4NonCnpkw=="

    @Test func theTestVectorIsMade() throws {
        #expect(try cipher.encrypt("This is a test text message", vector: Array(0..<16)) == Self.vector)
    }

    @Test func theTestVectorIsRead() throws {
        #expect(try cipher.decrypt(Self.vector) == "This is a test text message")
    }

    @Test(arguments: [
        "", "a", "exactly 16 bytes", "Grüße \u{1F44B}\u{0}\u{2028}", String(repeating: "x", count: 65_536),
    ])
    func whatIsEncryptedIsDecrypted(_ text: String) throws {
        #expect(try cipher.decrypt(try cipher.encrypt(text)) == text)
    }

    @Test func noTwoCiphertextsAreAlike() throws {
        #expect(try cipher.encrypt("Hello") != cipher.encrypt("Hello"))
    }

    @Test(arguments: [
        ("no base64!", MessageCipherError.notBase64), ("", .tooShort), ("AAECAwQFBgcICQoLDA0O", .tooShort),
        // The vector with its last byte changed: what comes out is not UTF-8.
        ("AAECAwQFBgcICQoLDA0ODxc55TlqA2YWGXtjwGbX8jX4p+aYD4NonCnpbA==", .notText),
    ])
    func whatCannotBeDecryptedIsRefused(_ content: String, _ error: MessageCipherError) {
        #expect(throws: error) { try cipher.decrypt(content) }
    }
}
