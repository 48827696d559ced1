import Crypto
import Delivery
import Foundation
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import NIOFoundationCompat
import Storage
import Wire

/// Answers a POST with a known `Idempotency-Key` as it was answered before; 409 when it asks for something else.
///
/// It stands behind the router and the identity: what is nowhere is 404 and what is not for a phone's key is 401 before a
/// byte of the body is read, and no more of it is read than the route takes.
struct IdempotencyMiddleware<Context: IdempotentContext>: RouterMiddleware {
    let idempotency: Idempotency
    let body: IdempotentBody

    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard request.method == .post, let text = request.headers[.idempotencyKey] else {
            return try await next(request, context)
        }
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Refusal.malformed("the Idempotency-Key header must be 1 to 255 printable ASCII characters")
        }
        let bytes = try await request.body.collect(upTo: body.limit)
        let key = IdempotencyKey(
            text: text, digest: try await digest(of: request, bytes, context), identity: context.identity,
            queries: idempotency.queries)
        do {
            if let earlier = try await idempotency.store.read({ tx in try key.queries.find(key, in: tx) }) {
                throw Replayed(answer: earlier)
            }
            var (request, context) = (request, context)
            request.body = RequestBody(buffer: bytes)
            context.idempotencyKey = key
            return try await next(request, context)
        } catch let replayed as Replayed {
            var response = replayed.answer.response
            response.headers[.idempotencyReplayed] = "true"
            return response
        }
    }

    private func digest(of request: Request, _ bytes: ByteBuffer, _ context: Context) async throws -> [UInt8] {
        // Neither a scope nor a path holds a zero byte, so no two requests give the same bytes.
        let scope = context.identity.idempotencyScope ?? "user"
        var hash = SHA256()
        hash.update(data: Array(scope.utf8) + [0] + Array(request.uri.string.utf8) + [0])
        let (body, type) = (body, request.headers[.contentType])
        return try await context.reading(bytes) { [hash] in
            var hash = hash
            switch body {
            case .form:
                let file = try UploadedFile("document", in: Array(bytes.readableBytesView), contentType: type)
                hash.update(data: Array(file.name.utf8) + [0])
                hash.update(data: file.bytes)
            case .json:
                if let json = Self.sorted(bytes) {
                    hash.update(data: json)
                } else {
                    hash.update(data: bytes.readableBytesView)
                }
            }
            return Array(hash.finalize())
        }
    }

    /// The same JSON with the members of objects in order; nil for what is long or no JSON.
    private static func sorted(_ bytes: ByteBuffer) -> Data? {
        guard bytes.readableBytes <= RequestBody.usualLimit,
            // A body that is not JSON is refused later, and uses up no key.
            let json = try? JSONBody(bytes.readableBytesView),
            let value = try? JSONSerialization.jsonObject(with: Data(json.bytes), options: .fragmentsAllowed)
        else { return nil }
        return try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    }
}

/// What ``IdempotencyMiddleware`` works with on every route.
struct Idempotency: Sendable {
    let store: any Store
    let queries: IdempotencyQueries
}

/// What a route takes, and with that, when two requests ask for the same.
enum IdempotentBody: Sendable {
    /// JSON of at most `limit` bytes: up to 1 MiB, the order of the members of an object does not count, which many
    /// languages draw for each request. Above that, every byte counts.
    case json(limit: Int)
    /// A form of at most `limit` bytes: the name and the bytes of its file count, not the boundary, which is drawn for each
    /// request.
    case form(limit: Int)

    var limit: Int {
        switch self {
        case .json(let limit), .form(let limit): limit
        }
    }
}
