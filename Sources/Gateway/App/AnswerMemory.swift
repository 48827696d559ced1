import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// What large answers may take of memory at the same time, until their clients have read them.
///
/// A list of long texts has megabytes, and a client may read it as slowly as it likes. So an answer of more than
/// ``AnswerMemory/large`` bytes takes its size, and gives it back once the last of it is on its way; when there is no room,
/// the request is answered 503. One client has half of the room at most. What is smaller passes. A stream takes what it has
/// read of the log and not sent yet.
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
        /// In bytes.
        let size: Int
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
        guard isTaken else { throw Self.crowded }
        return Share(self, size, client)
    }

    /// Counts `size` bytes that are in memory already, whether or not there is room.
    func count(_ size: Int, for client: String) -> Share {
        use.withLock { use in
            use.total += size
            use.byClient[client, default: 0] += size
        }
        return Share(self, size, client)
    }

    static let crowded = ServerBusy(
        message: "Too many large answers are on their way at the moment. Ask for less, or later.")
}

/// Counts large answers, and sends them piece by piece, so that what a client has not read stays here and is counted.
struct AnswerMemoryMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let memory: AnswerMemory
    /// Where accounts take turns with what is long to write.
    let turns: UploadQueue

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let room = AnswerRoom(
            memory, for: context.origin.clientNetwork, turns: turns, loop: context.channel.eventLoop)
        context.room = room
        var response = try await next(request, context)
        guard let size = response.body.contentLength, size > AnswerMemory.large else { return response }
        let shares: [AnswerMemory.Share]
        do throws(ServerBusy) {
            shares = try room.shares(size)
        } catch {
            return error.response
        }
        let body = response.body
        response.body = ResponseBody(contentLength: size) { [loop = room.loop] writer in
            try await body.write(PieceWriter(rest: writer, loop: loop))
            withExtendedLifetime(shares) {}
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
        try await rest.write(inPieces: buffer, on: loop)
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await rest.finish(trailingHeaders)
    }
}

extension ResponseBodyWriter {
    /// Writes a piece of ``AnswerMemory/large`` bytes at a time, the next when the connection takes more.
    ///
    /// - Parameters:
    ///   - buffer: What is written.
    ///   - loop: That of the connection; nil for what is small.
    /// - Throws: When the connection is closed, or the task is cancelled.
    @concurrent mutating func write(inPieces buffer: ByteBuffer, on loop: (any EventLoop)?) async throws {
        var buffer = buffer
        while let piece = buffer.readSlice(length: min(buffer.readableBytes, AnswerMemory.large)),
            piece.readableBytes > 0
        {
            try await write(piece)
            // Whether the connection takes more is known once its loop has seen this piece: else all of them would be handed over
            // before the first one is.
            try await loop?.submit {}.get()
        }
    }
}
