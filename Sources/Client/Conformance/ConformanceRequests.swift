import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps
import Wire

/// Makes the requests of each check: events as the server makes them, signed as it signs them, and forgeries of those.
struct ConformanceRequests: Sendable {
    let signingKey: String
    let audience: String
    let cipher: MessageCipher
    let clock: any WallClock
    private let headers = DeliveryHeaders(version: ServerVersion.current)

    init(signingKey: String, audience: String, cipher: MessageCipher, clock: any WallClock) {
        self.signingKey = signingKey
        self.audience = audience
        self.cipher = cipher
        self.clock = clock
    }

    /// The requests of `check`, to be sent one after the other; those of the burst all at once.
    func steps(of check: ConformanceCheck) throws -> [ConformanceStep] {
        switch check {
        case .event(let type): [genuine(event(type))]
        case .accepts(let unusual): try steps(of: unusual)
        case .refuses(let forgery): [step(of: forgery)]
        }
    }

    private func steps(of unusual: ConformanceCheck.Genuine) throws -> [ConformanceStep] {
        switch unusual {
        case .unicode: return [genuine(received(Self.unicodeText), withContent: true)]
        case .large: return [genuine(received(String(repeating: "64 KiB. ", count: 8_192)))]
        case .encrypted:
            let event = received(try cipher.encrypt(Self.unicodeText), isEncrypted: true)
            return [genuine(event, decrypted: Self.unicodeText, withContent: true)]
        case .unknownType:
            let data = #"{"message_id":"\#(EventID(at: clock.now()))","note":"of a later version"}"#
            return [genuine(stamped(.unknown(type: "message.phone.foretold", data: Array(data.utf8))))]
        case .keyRotation:
            // The receiver still has the old key: the body is signed with both, the token with the old one.
            return [genuine(event(.messageSent), bodyKeys: [Self.otherKey, signingKey])]
        case .duplicate:
            let event = event(.messageReceived)
            return [genuine(event), genuine(event, attempt: 2)]
        case .afterForgery:
            let event = event(.messageReceived)
            let forged = step(event.encoded(), event, bodyKeys: [Self.otherKey], .any, .unjudged)
            return [forged, genuine(event)]
        case .prompt: return [genuine(event(.messageReceived), answer: .prompt)]
        case .burst: return (1...50).map { genuine(received("\($0) of 50")) }
        }
    }

    /// An event that closes a run: once it is handled, so is what came before it.
    func closing() -> ConformanceStep {
        genuine(event(.heartbeatOnline), answer: .any)
    }

    private func genuine(
        _ event: CloudEvent, decrypted: String? = nil, withContent: Bool = false, bodyKeys: [String]? = nil,
        attempt: Int = 1, answer: ConformanceStep.Answer = .accepted
    ) -> ConformanceStep {
        let isKnown = EventType(rawValue: event.payload.type) != nil
        let expected = HandledEvent(event, content: decrypted)
        return step(
            event.encoded(), event, bodyKeys: bodyKeys, attempt: attempt, answer,
            isKnown ? .once(expected, withContent: withContent) : .unjudged)
    }

    private func step(of forgery: ConformanceCheck.Forgery) -> ConformanceStep {
        let event = event(.messageReceived)
        let body = event.encoded()
        let never = ConformanceStep.Handling.never(id: event.id)
        let now = clock.now()
        let token = token(at: now)
        func forged(token: String?) -> ConformanceStep { step(body, event, token: .some(token), .refused, never) }
        switch forgery {
        case .tamperedBody:
            let tampered = String(decoding: body, as: UTF8.self).replacing("Hello", with: "Adieu")
            return step(Array(tampered.utf8), event, signedBody: body, .refused, never)
        case .signatureOfAnotherKey: return step(body, event, bodyKeys: [Self.otherKey], .refused, never)
        case .signatureMissing: return step(body, event, bodyKeys: [], .refused, never)
        case .timestampStale: return step(body, event, signedAt: now + .seconds(-330), .refused, never)
        case .tokenMissing: return forged(token: nil)
        case .tokenOfAnotherKey: return forged(token: self.token(at: now, key: Self.otherKey))
        case .tokenAlgNone: return forged(token: ForgedToken.algNone(token))
        case .tokenRS256: return forged(token: ForgedToken.rs256(token, key: signingKey))
        case .tokenHS512: return forged(token: ForgedToken.hs512(token, key: signingKey))
        case .tokenExpired: return forged(token: self.token(at: now + .seconds(-3_600)))
        case .tokenAudience: return forged(token: self.token(at: now, audience: "https://example.com/not-this-one"))
        case .invalidJSON:  // It breaks off, and everything else about it is right.
            return step(Array(body.prefix(body.count / 2)), event, .clientError, never)
        }
    }

    /// Puts a request together; what is not given is genuine. A token that is given and nil means none at all.
    private func step(
        _ body: [UInt8], _ event: CloudEvent, signedBody: [UInt8]? = nil, signedAt: Timestamp? = nil,
        bodyKeys: [String]? = nil, token: String?? = nil, attempt: Int = 1, _ answer: ConformanceStep.Answer,
        _ handling: ConformanceStep.Handling
    ) -> ConformanceStep {
        let now = clock.now()
        let delivery = DeliveryID(
            event: EventID(trusted: event.id), endpoint: EndpointID(trusted: event.id), at: event.time)
        var all = headers.plain(type: event.payload.type, delivery: delivery.text, attempt: attempt)
        if let token = token ?? self.token(at: now) { all.append(("Authorization", "Bearer \(token)")) }
        all += DeliveryHeaders.signature(
            event: event.id, at: signedAt ?? now, body: signedBody ?? body, keys: bodyKeys ?? [signingKey])
        return ConformanceStep(headers: all, body: body, answer: answer, handling: handling)
    }

    private func token(at now: Timestamp, key: String? = nil, audience: String? = nil) -> String {
        WebhookToken.sign(
            key: key ?? signingKey, subject: "conformance", audience: audience ?? self.audience, now: now)
    }

    private func event(_ type: EventType) -> CloudEvent {
        stamped(type.declaration.sample.payload)
    }

    private func received(_ content: String, isEncrypted: Bool = false) -> CloudEvent {
        var event = event(.messageReceived)
        guard case .messageReceived(var data) = event.payload else { return event }
        data.messageID = EventID(at: clock.now()).text
        data.content = content
        data.isEncrypted = isEncrypted
        data.attachments = []
        event.payload = .messageReceived(data)
        return event
    }

    private func stamped(_ payload: EventPayload) -> CloudEvent {
        let now = clock.now()
        return CloudEvent(
            id: EventID(at: now).text, source: "/v1/webhooks/conformance", time: now, payload: payload)
    }

    private static let otherKey = "another-signing-key-that-the-receiver-does-not-have"

    /// What is lost by those who parse before they verify, or decode in another character set.
    private static let unicodeText = "Grüße \"an\" <alle> & 你好 \u{1F44B} 100 %\\u0041\n\tend\u{2028}"
}
