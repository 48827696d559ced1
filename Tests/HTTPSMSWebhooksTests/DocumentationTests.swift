import Foundation
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Synchronization
import Testing
import Timestamps

/// The articles of the library: their code is compiled as it stands there, and run.
@Suite struct DocumentationTests {
    static let articles = [
        ("HTTPSMSWebhooks", "Overview"), ("ReceivingWebhooks", "ReceivingWebhooks"), ("Hummingbird", "Hummingbird"),
        ("EndToEndEncryption", "EndToEndEncryption"),
    ]

    @Test(arguments: articles) func theCodeOfAnArticleIsTheCodeThatIsCompiled(_ article: String, _ source: String)
        throws
    {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let catalog = tests.appending(path: "../../Sources/HTTPSMSWebhooks/HTTPSMSWebhooks.docc")
        let text = try String(contentsOf: catalog.appending(path: article + ".md"), encoding: .utf8)
        let code = try String(contentsOf: tests.appending(path: "Snippets/\(source).swift"), encoding: .utf8)

        let shown = Self.regions(of: text, from: "```swift", to: "```")
        let compiled = Self.regions(of: code, from: "// snippet.begin", to: "// snippet.end")

        #expect(!shown.isEmpty)
        #expect(shown == compiled)
    }

    @Test func everyArticleIsCompared() throws {
        let catalog = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/HTTPSMSWebhooks/HTTPSMSWebhooks.docc").standardized

        let files = Set(try FileManager.default.contentsOfDirectory(atPath: catalog.path))

        let compared = Set(Self.articles.map { "\($0.0).md" })
        #expect(files == compared)
    }

    @Test func theOverviewDescribesAnEvent() async throws {
        let request = SignedRequest(.messageReceived)

        let text = try await describe(body: request.body, headers: request.headers, signingKey: SignedRequest.key)

        #expect(text == "+18005550100 wrote: Hello")
    }

    @Test func theReceiverTakesAnEventOnceAndNothingForged() async throws {
        let (events, work) = AsyncStream.makeStream(of: CloudEvent.self)
        let receiver = Receiver(
            verifier: WebhookVerifier(signingKeys: [SignedRequest.key], audience: SignedRequest.url), work: work)
        let request = SignedRequest(.messageSent)
        let noEvent = SignedRequest(body: Array("[]".utf8))

        let forged = await receiver.receive(body: request.body + [0x20]) { request.headers[$0.lowercased()] }
        let first = await receiver.receive(body: request.body) { request.headers[$0.lowercased()] }
        let second = await receiver.receive(body: request.body) { request.headers[$0.lowercased()] }
        let malformed = await receiver.receive(body: noEvent.body) { noEvent.headers[$0.lowercased()] }

        let statuses: [Int] = [forged, first, second, malformed]
        #expect(statuses == [401, 200, 200, 400])
        work.finish()
        let worked: [String] = await events.reduce(into: []) { $0.append($1.id) }
        #expect(worked == [sampleEvent(.messageSent).id])
    }

    @Test(arguments: ["the old key", "the new key"])
    func bothKeysVerifyDuringARotation(_ key: String) async throws {
        let request = SignedRequest(.callMissed, key: key)
        let verifier = rotatingVerifier(newKey: "the new key", oldKey: "the old key", url: SignedRequest.url)

        let event = try await verifier.event(body: request.body) { request.headers[$0.lowercased()] }

        #expect(event == sampleEvent(.callMissed))
    }

    @Test func theMiddlewareLetsOnlyTheGatewayThrough() async throws {
        let seen = Mutex<[CloudEvent]>([])
        let verifier = WebhookVerifier(signingKeys: [SignedRequest.key], audience: SignedRequest.url)
        let app = Application(router: router(verifier: verifier) { event in seen.withLock { $0.append(event) } })
        let genuine = SignedRequest(.messageDelivered)
        let unsigned = SignedRequest(.messageDelivered, key: "another key")
        let noEvent = SignedRequest(body: Array("{}".utf8))

        try await app.test(.router) { client in
            for (request, status) in [(genuine, 200), (unsigned, 401), (noEvent, 400)] {
                let answer = try await client.execute(
                    uri: "/hooks/sms", method: .post, headers: request.fields, body: ByteBuffer(bytes: request.body))
                #expect(answer.status.code == status)
            }
        }

        #expect(seen.withLock { $0 } == [sampleEvent(.messageDelivered)])
    }

    @Test func aTextIsDecryptedAndAnotherEncrypted() throws {
        var event = sampleEvent(.messageReceived)
        guard case .messageReceived(var data) = event.payload else { return }
        data.isEncrypted = true
        data.content = "AAECAwQFBgcICQoLDA0ODxc55TlqA2YWGXtjwGbX8jX4p+aYD4NonCnpkw=="
        event.payload = .messageReceived(data)

        let (text, request) = try decryptAndEncrypt(event)

        #expect(text == "This is a test text message")
        let cipher = MessageCipher(passphrase: "Password123")
        #expect(try cipher.decrypt(request["content"] ?? "") == "See you at 8")
    }

    /// The lines between two marks, without the indentation of the first mark.
    private static func regions(of text: String, from begin: String, to end: String) -> [[String]] {
        var regions: [[String]] = []
        var indentation: Int?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let content = line.drop { $0 == " " }
            if let depth = indentation, content != end {
                regions[regions.count - 1].append(String(line.dropFirst(min(depth, line.count - content.count))))
            } else if indentation != nil {
                indentation = nil
            } else if content == begin {
                indentation = line.count - content.count
                regions.append([])
            }
        }
        return regions
    }
}

/// A request as the gateway makes it, now.
struct SignedRequest {
    static let key = "a-signing-key-for-the-documentation"
    static let url = "https://example.com/hooks/sms"
    let body: [UInt8]
    /// By name in lower case.
    let headers: [String: String]

    init(_ type: EventType, key: String = Self.key) {
        self.init(body: sampleEvent(type).encoded(), key: key)
    }

    init(body: [UInt8], key: String = Self.key) {
        let now = SystemClock().now()
        self.body = body
        headers = [
            "authorization": "Bearer \(WebhookToken.sign(key: key, subject: "u", audience: Self.url, now: now))",
            "webhook-id": "1", "webhook-timestamp": "\(now.seconds)",
            "webhook-signature": StandardWebhookSignature.sign(id: "1", timestamp: now, body: body, keys: [key]),
        ]
    }

    var fields: HTTPFields {
        var fields = HTTPFields()
        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
        return fields
    }
}
