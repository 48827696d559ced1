import Foundation
import HTTPSMSWebhooks
import Timestamps

extension FuzzTarget {
    /// What receivers do with a webhook request.
    static let events: [FuzzTarget] = [cloudEvent, verifier, cipher]

    private static let cloudEvent = FuzzTarget(
        "cloud-event",
        words: [
            "\"specversion\":\"1.0\"", "\"id\":", "\"source\":", "\"type\":\"message.phone.received\"", "\"time\":",
            "\"datacontenttype\":\"application/json\"", "\"data\":{", "\"data_base64\":", "\"attachments\":[", "null",
        ]
    ) { bytes in
        guard let event = try? CloudEvent(decoding: bytes) else { return }
        let encoded = event.encoded()
        let again = try CloudEvent(decoding: encoded)
        try hold(again.encoded() == encoded, "an event changes when it is read again")
        try hold(again.id == event.id && again.payload.type == event.payload.type, "another event is read again")
    }

    /// The first five lines are Authorization, id, timestamp, signature and the second of the clock; the body follows.
    private static let verifier = FuzzTarget(
        waiting: "webhook-verifier", words: ["Bearer ", "v1,", "eyJhbGciOiJIUzI1NiJ9.", "1790000000", "\n", ".", "=="]
    ) { bytes in
        var lines: [String] = []
        var body = bytes
        for _ in 0..<5 {
            let (line, rest) = body.firstLine
            lines.append(line.text)
            body = rest
        }
        let clock = min(max(Int64(lines[4]) ?? 1_790_000_000, -62_135_596_800), 253_402_300_799)
        let now = Timestamp(microseconds: clock * 1_000_000)
        // Nobody knows these keys, so nothing may pass.
        let strict = WebhookVerifier(signingKeys: [unknownKey], audience: "https://example.com/hook")
        for _ in 0..<1 {
            let isSigned =
                (try? strict.verify(id: lines[1], timestamp: lines[2], signature: lines[3], body: body, now: now))
                != nil
            try hold(!isSigned, "a forged signature passes")
            let isAuthorised = (try? await strict.verify(authorization: lines[0], now: now)) != nil
            try hold(!isAuthorised, "a forged token passes")
        }
        // What the server signs passes with any key, and with no other body.
        let key = lines[0].isEmpty || lines[0].allSatisfy(\.isWhitespace) ? "key" : lines[0]
        let own = WebhookVerifier(signingKeys: [key], audience: nil)
        let id = lines[1].isEmpty ? "id" : lines[1]
        let signature = StandardWebhookSignature.sign(id: id, timestamp: present, body: body, keys: [key])
        let timestamp = String(present.seconds)
        try own.verify(id: id, timestamp: timestamp, signature: signature, body: body, now: present)
        let isOther =
            (try? own.verify(id: id, timestamp: timestamp, signature: signature, body: body + [0], now: present)) != nil
        try hold(!isOther, "the signature of another body passes")
        let token = WebhookToken.sign(key: key, subject: lines[1], audience: lines[2], now: present)
        _ = try await own.verify(authorization: "Bearer \(token)", now: present)
    }

    private static let present = Timestamp(microseconds: 1_790_000_000_000_000)
    private static let unknownKey = (0..<8).map { _ in String(UInt64.random(in: 0 ... .max)) }.joined()

    /// The first line is the passphrase.
    private static let cipher = FuzzTarget("message-cipher", upTo: 1_024, words: ["AAAA", "==", "Password123\n"]) {
        bytes in
        let (passphrase, content) = bytes.firstLine
        let cipher = MessageCipher(passphrase: passphrase.text)
        _ = try? cipher.decrypt(content.text)
        try hold(try cipher.decrypt(cipher.encrypt(content.text)) == content.text, "a text does not come back")
    }
}
