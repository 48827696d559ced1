import Delivery
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Storage

/// The `Idempotency-Key` of a POST that creates something, with what the request asked for.
///
/// The answer is stored in the transaction that creates: a client that did not get it sends the request again, and nothing
/// is created twice, whatever crashed in between. Answers are kept for 24 hours, those of refused requests not at all.
struct IdempotencyKey: Sendable {
    /// 1 to 255 printable ASCII characters, of the client's choice.
    let text: String
    /// Of method, path and body.
    let digest: [UInt8]
    let userID: UserID
    let queries: IdempotencyQueries
}

/// How a creation is answered, and the place where that answer is kept for a repeat.
struct Receipt<Value: Sendable>: Sendable {
    /// Nil keeps no answer.
    let key: IdempotencyKey?
    /// The answer to who made `Value`.
    let reply: @Sendable (Value) -> Reply

    /// Runs `body`, which creates, and keeps the answer in the same transaction.
    ///
    /// - Throws: ``Replayed`` when another request with this key came first; what `body` throws.
    func keep(in tx: any Transaction, _ body: () throws -> Value) throws -> Value {
        guard let key else { return try body() }
        if let earlier = try key.queries.find(key, in: tx) { throw Replayed(answer: earlier) }
        let value = try body()
        try key.queries.insert(key, reply(value).answer, in: tx)
        return value
    }
}

extension Receipt {
    /// Keeps nothing: pages answer a form with the page of what it made, and carry no ``IdempotencyKey``.
    static var unkept: Receipt { Receipt(key: nil) { _ in Reply("", nil) } }
}

/// Ends a request with the answer that an earlier one with the same key got.
struct Replayed: Error {
    let answer: Answer
}

/// Where a request may carry an ``IdempotencyKey``.
protocol IdempotentContext {
    var idempotencyKey: IdempotencyKey? { get }
}

extension IdempotentContext {
    /// What a creation by this request is answered with.
    func receipt<Value: Sendable>(
        of type: Value.Type = Value.self, _ reply: @escaping @Sendable (Value) -> Reply
    ) -> Receipt<Value> {
        Receipt(key: idempotencyKey, reply: reply)
    }
}

/// Answers a POST with a known `Idempotency-Key` as it was answered before; 409 when it asks for something else.
struct IdempotencyMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let store: any Store
    let queries: IdempotencyQueries

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .post, let text = request.headers[.idempotencyKey], let identity = context.identity
        else { return try await next(request, context) }
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw APIError.badRequest("the Idempotency-Key header must be 1 to 255 printable ASCII characters")
        }
        let body = try await request.body.collect(upTo: Self.bodyLimit)
        // No path holds a NUL, so no two requests give the same bytes.
        let digest = SHA256Digest.bytes(
            of: Array(request.uri.string.utf8) + [0]
                + Self.meaning(of: Data(body.readableBytesView), contentType: request.headers[.contentType]))
        let key = IdempotencyKey(text: text, digest: digest, userID: identity.userID, queries: queries)
        do {
            if let earlier = try await store.read({ tx in try key.queries.find(key, in: tx) }) {
                throw Replayed(answer: earlier)
            }
            var (request, context) = (request, context)
            request.body = RequestBody(buffer: body)
            context.idempotencyKey = key
            return try await next(request, context)
        } catch let replayed as Replayed {
            var response = replayed.answer.response
            response.headers[.idempotencyReplayed] = "true"
            return response
        }
    }

    /// What a repeat has in common with the first request: not the order of members of an object, which many languages
    /// draw anew each time, nor the boundary of a form.
    private static func meaning(of body: Data, contentType: String?) -> Data {
        if contentType?.lowercased().hasPrefix("multipart/") ?? false {
            // What is no form with a file is refused later, and uses no key up.
            guard let file = try? UploadedFile("document", in: Array(body), contentType: contentType) else {
                return body
            }
            return Data(file.name.utf8) + [0] + file.bytes
        }
        // The same holds for what is no JSON.
        guard let value = try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed),
            let sorted = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
        else { return body }
        return sorted
    }

    /// As much as the route with the largest body takes.
    private static let bodyLimit = 16 << 20
}
