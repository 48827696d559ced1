/// What the events about messages have in common, whatever they call it on the wire.
extension EventPayload {
    /// The id of the message: `data.id` or `data.message_id`. Nil for heartbeats and unknown types.
    public var messageID: String? { message?.id }

    /// The id that the API client gave the message when it was submitted; nil when it gave none, and for what was not
    /// submitted.
    public var requestID: String? { message?.requestID }

    /// The text of the message as it arrived, ciphertext when ``isEncrypted``; nil when the event has none.
    public var content: String? { message?.content }

    /// The URLs of the files that came with the message.
    package var attachments: [String] { message?.attachments ?? [] }

    /// Whether ``content`` is end-to-end encrypted.
    public var isEncrypted: Bool { message?.isEncrypted ?? false }

    /// The text of the message in clear: decrypted when it was encrypted; nil when the event has none.
    ///
    /// - Throws: ``MessageCipherError`` when the content is encrypted and does not decrypt.
    public func text(decryptedWith cipher: MessageCipher) throws(MessageCipherError) -> String? {
        guard let content else { return nil }
        return isEncrypted ? try cipher.decrypt(content) : content
    }
}
