import Foundation
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore
import Storage
import Timestamps
import Wire

/// `/v1/inbound/{token}`: what apps call that pass on SMS. The token in the path is all that they have.
///
/// The answer is 200 once the SMS is stored, and 422 only for what can never be one: an app gives an SMS up that is refused
/// often enough. Everything that is our own trouble is 503.
struct InboundHookRoutes {
    let operations: ForwarderOperations

    func add(to router: Router<APIContext>) {
        let path = RouterPath("\(SMSForwarder.source)/:token")
        for method in [HTTPRequest.Method.post, .put, .patch, .get] { router.on(path, method: method, use: receive) }
    }

    private struct Stored: JSONWritable {
        let id: MessageID

        func write(to json: inout JSONWriter) {
            json.object { o in o.field("id", id.text) }
        }
    }

    private func receive(_ request: Request, _ context: APIContext) async throws -> Response {
        // Whoever has no token has nothing read.
        guard let hook = try await operations.hook(token: context.parameters.get("token") ?? "") else {
            throw Refusal.absent("There is no such hook: copy the URL again, or make a new forwarder.")
        }
        // Link previews and checks ask so; they have nothing to tell.
        if request.method == .head { return Reply("this hook takes SMS", nil).answer.response }
        let call = Call(request)
        let forwarder = hook.forwarder
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: RequestBody.usualLimit)
        } catch let error as NIOTooManyBytesError {
            await keep(call, ByteBuffer(), .contentTooLarge, "larger than 1 MiB", nil, [], of: forwarder, context)
            throw error
        }
        do {
            let sms = try await read(body, call, hook, context)
            let message = try await operations.receive(sms, from: forwarder, origin: context.origin)
            await keep(call, body, .ok, "stored", message.id, sms.readings, of: forwarder, context)
            return Reply("message received successfully", Stored(id: message.id)).answer.response
        } catch let refused as ForwardedSMS.Refused {
            await keep(
                call, body, .unprocessableContent, refused.sentence, nil, refused.readings, of: forwarder, context)
            throw Refusal(.invalid, refused.sentence)
        }
    }

    /// Reads the request, a large body on a thread for such.
    private func read(
        _ body: ByteBuffer, _ call: Call, _ hook: (forwarder: SMSForwarder, timezone: String), _ context: APIContext
    ) async throws -> ForwardedSMS {
        let zone = TimeZone(identifier: hook.timezone)
        let forwarder = hook.forwarder
        let read: @Sendable () throws -> ForwardedSMS = {
            let fields = try ForwardedFields(
                query: call.query, contentType: call.contentType, body: Array(body.readableBytesView))
            return try ForwardedSMS(fields, for: forwarder, zone: zone)
        }
        return try await context.uploads.reading(body, of: forwarder.userID, read)
    }

    /// What is kept of a request besides its body.
    private struct Call: Sendable {
        let method: String
        let query: String
        let contentType: String?

        init(_ request: Request) {
            method = request.method.rawValue
            query = request.uri.query ?? ""
            contentType = request.headers[.contentType]
        }
    }

    /// Keeps the request for its owner. The SMS is stored or refused by then, so nothing depends on it.
    private func keep(
        _ call: Call, _ body: ByteBuffer, _ status: HTTPResponse.Status, _ answer: String, _ message: MessageID?,
        _ readings: [ForwardedRequest.Reading], of forwarder: SMSForwarder, _ context: APIContext
    ) async {
        let now = operations.clock.now()
        // A character has four bytes at most.
        let start = body.readableBytesView.prefix(4 * ForwardedRequest.maximumBody)
        let charset = HeaderParameters((call.contentType ?? "").utf8)["charset"]
        let request = ForwardedRequest(
            id: ID(at: now), receivedAt: now, method: call.method,
            contentType: (call.contentType ?? "").firstScalars(ForwardedRequest.maximumValue).storable,
            query: call.query.firstScalars(ForwardedRequest.maximumBody).storable,
            body: ForwardedText.decoded(start, charset: charset).firstScalars(ForwardedRequest.maximumBody).storable,
            status: Int(status.code), answer: answer, messageID: message, readings: readings)
        do {
            try await operations.record(request, of: forwarder)
        } catch {
            context.logger.warning(
                "request to a hook not kept", metadata: ["forwarder": "\(forwarder.id)", "error": "\(error)"])
        }
    }
}
