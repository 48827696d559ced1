/// What the events about messages have in common, whatever they call it on the wire.
extension EventPayload {
    /// The id of the message: `data.id` or `data.message_id`. Nil for heartbeats and unknown types.
    public var messageID: String? {
        switch self {
        case .messageReceived(let data): data.messageID
        case .messageSent(let data): data.messageID
        case .messageDelivered(let data): data.messageID
        case .messageFailed(let data): data.messageID
        case .messageExpired(let data): data.messageID
        case .callMissed(let data): data.messageID
        case .heartbeatOffline, .heartbeatOnline, .unknown: nil
        }
    }

    /// The id that the API client gave the message when it was submitted; nil when it gave none, and for what was not
    /// submitted.
    public var requestID: String? {
        switch self {
        case .messageSent(let data): data.requestID
        case .messageDelivered(let data): data.requestID
        case .messageFailed(let data): data.requestID
        case .messageExpired(let data): data.requestID
        case .messageReceived, .callMissed, .heartbeatOffline, .heartbeatOnline, .unknown: nil
        }
    }

    /// The text of the message as it arrived, ciphertext when ``isEncrypted``; nil when the event has none.
    public var content: String? {
        switch self {
        case .messageReceived(let data): data.content
        case .messageSent(let data): data.content
        case .messageDelivered(let data): data.content
        case .messageFailed(let data): data.content
        case .messageExpired(let data): data.content
        case .callMissed, .heartbeatOffline, .heartbeatOnline, .unknown: nil
        }
    }

    /// Whether ``content`` is end-to-end encrypted.
    public var isEncrypted: Bool {
        switch self {
        case .messageReceived(let data): data.isEncrypted
        case .messageSent(let data): data.isEncrypted
        case .messageDelivered(let data): data.isEncrypted
        case .messageFailed(let data): data.isEncrypted
        case .messageExpired(let data): data.isEncrypted
        case .callMissed, .heartbeatOffline, .heartbeatOnline, .unknown: false
        }
    }

    /// The text of the message in clear: decrypted when it was encrypted; nil when the event has none.
    ///
    /// - Throws: ``MessageCipherError`` when the content is encrypted and does not decrypt.
    public func text(decryptedWith cipher: MessageCipher) throws(MessageCipherError) -> String? {
        guard let content else { return nil }
        return isEncrypted ? try cipher.decrypt(content) : content
    }
}
