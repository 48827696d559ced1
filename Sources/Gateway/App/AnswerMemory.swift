import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// What large answers may take of memory at the same time, until their clients have read them.
///
/// A list of long texts has megabytes, and a client may read it as slowly as it likes. So an answer of more than
/// ``AnswerMemory/large`` bytes takes its size, and gives it back once the last of it is on its way; when there is no room,
/// the request is answered 503. One client has half of the room at most. Streams, and all that is smaller, pass.
final class AnswerMemory: Sendable {
    /// From here on an answer counts: 64 KiB, as nearly none has.
    static let large = 64 << 10

    private struct Use {
        var total = 0
        var byClient: [String: Int] = [:]
    }

    private let limit: Int
    private let use = Mutex(Use())

    /// - Parameter limit: In bytes. An answer that is larger by itself is let through when no other is on its way.
    init(limit: Int) { self.limit = limit }

    /// What is taken now, in bytes.
    var inUse: Int { use.withLock { $0.total } }

    /// What one answer takes; given back when nobody has it any more, whether or not the answer was sent.
    final class Share: Sendable {
        private let memory: AnswerMemory
        private let size: Int
        private let client: String

        fileprivate init(_ memory: AnswerMemory, _ size: Int, _ client: String) {
            (self.memory, self.size, self.client) = (memory, size, client)
        }

        deinit {
            memory.use.withLock { use in
                use.total -= size
                let left = (use.byClient[client] ?? 0) - size
                use.byClient[client] = left > 0 ? left : nil
            }
        }
    }

    /// Takes `size` bytes for an answer to `client`.
    ///
    /// - Throws: ``ServerBusy`` when there is no room.
    func share(_ size: Int, for client: String) throws(ServerBusy) -> Share {
        let isTaken = use.withLock { use in
            let own = use.byClient[client] ?? 0
            guard own == 0 || own + size <= limit / 2, use.total == 0 || use.total + size <= limit else { return false }
            use.total += size
            use.byClient[client] = own + size
            return true
        }
        guard isTaken else {
            throw ServerBusy(message: "Too many large answers are on their way at the moment. Ask for less, or later.")
        }
        return Share(self, size, client)
    }
}

/// Counts large answers, and sends them piece by piece, so that what a client has not read stays here and is counted.
struct AnswerMemoryMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let memory: AnswerMemory

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard let size = response.body.contentLength, size > AnswerMemory.large else { return response }
        let share: AnswerMemory.Share
        do throws(ServerBusy) {
            share = try memory.share(size, for: context.origin.clientNetwork)
        } catch {
            return error.response
        }
        let body = response.body
        response.body = ResponseBody(contentLength: size) { [loop = context.channel.eventLoop] writer in
            try await body.write(PieceWriter(rest: writer, loop: loop))
            withExtendedLifetime(share) {}
        }
        return response
    }
}

/// Writes a piece at a time, the next when the connection takes more.
private struct PieceWriter: ResponseBodyWriter {
    var rest: any ResponseBodyWriter
    /// That of the connection.
    let loop: any EventLoop

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
        var buffer = buffer
        while let piece = buffer.readSlice(length: min(buffer.readableBytes, AnswerMemory.large)),
            piece.readableBytes > 0
        {
            try await rest.write(piece)
            // Whether the connection takes more is known once its loop has seen this piece: else all of them would be handed over
            // before the first one is.
            try await loop.submit {}.get()
        }
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await rest.finish(trailingHeaders)
    }
}
