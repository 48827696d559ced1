import Hummingbird
import NIOCore
import Synchronization

/// What the bodies of all requests may take of memory at the same time.
///
/// What counts is what has arrived, until the request is answered: a client that announces much and sends nothing takes
/// nothing. A quarter is kept for bodies of up to 64 KiB, which nearly all are, so that uploads keep no SMS out.
package final class BodyMemory: Sendable {
    /// 64 MiB: a machine with 512 MiB of memory has that.
    package static let standard = 64 << 20
    /// The least: twice the longest body of a route.
    package static let minimum = 32 << 20

    /// What nearly all bodies stay below, and what is read in no time.
    static let smallBody = 64 << 10

    private let limit: Int
    private let used = Mutex(0)

    /// - Parameter limit: In bytes.
    init(limit: Int) {
        self.limit = limit
    }

    /// What is taken now, in bytes.
    var inUse: Int { used.withLock { $0 } }

    /// What one request takes; given back by ``release()``.
    final class Share: Sendable {
        private let memory: BodyMemory
        private let held = Mutex(0)

        fileprivate init(_ memory: BodyMemory) {
            self.memory = memory
        }

        /// Takes `count` bytes more.
        ///
        /// - Throws: ``ServerBusy`` when there is no room for them.
        func take(_ count: Int) throws(ServerBusy) {
            let isTaken = held.withLock { held in
                let total = held + count
                let isTaken = memory.take(count, isSmall: total <= BodyMemory.smallBody)
                if isTaken { held = total }
                return isTaken
            }
            if !isTaken {
                throw ServerBusy(message: "The server is reading too many large requests at the moment.")
            }
        }

        /// Gives everything back.
        func release() {
            let count = held.withLock { held in
                let count = held
                held = 0
                return count
            }
            memory.used.withLock { $0 -= count }
        }
    }

    /// A share with nothing in it.
    func share() -> Share { Share(self) }

    private func take(_ count: Int, isSmall: Bool) -> Bool {
        used.withLock { used in
            guard used + count <= (isSmall ? limit : limit / 4 * 3) else { return false }
            used += count
            return true
        }
    }
}

/// Counts the body of each request while it is read, whichever route reads it, and gives it back with the answer. Says
/// where a large one is read.
struct BodyMemoryMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let memory: BodyMemory
    let uploads: UploadQueue

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard request.headers[.transferEncoding] != nil || (request.headers[.contentLength] ?? "0") != "0" else {
            return try await next(request, context)
        }
        let share = memory.share()
        defer { share.release() }
        var (request, context) = (request, context)
        context.uploads = uploads
        request.body = RequestBody(
            asyncSequence: request.body.map { buffer in
                try share.take(buffer.readableBytes)
                return buffer
            })
        return try await next(request, context)
    }
}
