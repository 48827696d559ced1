import HTTPSMSWebhooks

/// The snippets of `EndToEndEncryption.md`, run one after the other.
func decryptAndEncrypt(_ event: CloudEvent) throws -> (text: String?, request: [String: String]) {
    // snippet.begin
    let cipher = MessageCipher(passphrase: "Password123")
    let text = try event.payload.text(decryptedWith: cipher)
    // snippet.end
    // snippet.begin
    let content = try cipher.encrypt("See you at 8")
    let request = ["from": "+18005550199", "to": "+18005550100", "content": content]
    // snippet.end
    return (text, request)
}
