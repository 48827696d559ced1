import Foundation
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird

/// Receives the webhooks of httpsms with Hummingbird and the HTTPSMSWebhooks library.
@main
struct Receiver {
    let verifier: WebhookVerifier
    let inbox: Inbox

    static func main() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let key = environment["HTTPSMS_SIGNING_KEY"], let url = environment["HTTPSMS_CALLBACK_URL"] else {
            throw HTTPError(.internalServerError, message: "HTTPSMS_SIGNING_KEY and HTTPSMS_CALLBACK_URL must be set")
        }
        // The next key is for the time in which the signing key is replaced. Blank ones do not count.
        let keys = [key, environment["HTTPSMS_NEXT_SIGNING_KEY"] ?? ""]
        let receiver = Receiver(
            verifier: WebhookVerifier(signingKeys: keys, audience: url),
            inbox: try Inbox(folder: URL(filePath: environment["HTTPSMS_INBOX"] ?? "inbox")))
        let cipher = environment["HTTPSMS_ENCRYPTION_KEY"].map(MessageCipher.init(passphrase:))
        async let _ = receiver.inbox.work { event in try handle(event, cipher: cipher) }

        let router = Router()
        router.post("**") { request, _ in try await receiver.receive(request) }
        let address = BindAddress.hostname("127.0.0.1", port: environment["PORT"].flatMap(Int.init) ?? 9000)
        try await Application(router: router, configuration: .init(address: address)).runService()
    }

    private func receive(_ request: Request) async throws -> HTTPResponse.Status {
        let body = try await request.body.collect(upTo: 1 << 20).readableBytesView  // else 413
        do {
            let event = try await verifier.event(body: body) { name in
                HTTPField.Name(name).flatMap { request.headers[$0] }
            }
            guard let id = UUID(uuidString: event.id) else { return .badRequest }
            try await inbox.store(Data(body), id: id)
            return .noContent
        } catch is WebhookVerificationError {
            return .unauthorized
        } catch is CloudEventError {
            return .badRequest
        }
    }

    /// Your code goes here.
    private static func handle(_ event: CloudEvent, cipher: MessageCipher?) throws {
        let payload = event.payload
        let note: String
        switch payload {
        case .messageReceived(let sms): note = "\(sms.contact) wrote"
        case .messageSent: note = "handed to the network"
        case .messageDelivered: note = "arrived"
        case .messageFailed(let message): note = "not sent: \(message.errorMessage)"
        case .messageExpired(let message): note = message.isFinal ? "given up" : "will be tried again"
        case .callMissed(let call): note = "\(call.contact) called"
        case .heartbeatOffline(let phone): note = "\(phone.owner) is away"
        case .heartbeatOnline(let phone): note = "\(phone.owner) is back"
        case .unknown: return  // newer than this receiver
        }
        let line = Line(
            id: event.id, type: payload.type,
            message_id: payload.messageID,  // POST /v1/messages/send answered with it
            request_id: payload.requestID,  // what you gave it
            content: try cipher.map { try payload.text(decryptedWith: $0) } ?? payload.content,
            note: note)
        try FileHandle.standardOutput.write(contentsOf: JSONEncoder().encode(line) + Data("\n".utf8))
    }

    private struct Line: Encodable {
        let id: String, type: String, message_id: String?, request_id: String?, content: String?, note: String
    }
}
