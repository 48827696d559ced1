import Delivery
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps
import Wire

/// `GET /v1/events/stream`: the log as server-sent events (WHATWG HTML 9.2), live, and from `Last-Event-ID` on.
///
/// Each event has its position as `id` and its type as `event`; the data is an item of `GET /v1/events`. A comment every
/// 15 s keeps proxies from closing the connection. A client that comes back with the last id it saw misses nothing.
package final class EventStream: Sendable {
    private let store: any Store
    private let identities: Identities
    private let open = Mutex<[Listener: Int]>([:])

    init(store: any Store, identities: Identities) {
        self.store = store
        self.identities = identities
    }

    /// Opens a stream for the user; 429 when they have ten already.
    func open(_ request: Request, _ context: UserContext) async throws -> Response {
        let parameters = QueryParameters(request)
        var errors = FieldErrors()
        let filter = EventRoutes.filter(parameters, &errors)
        let lastID = request.headers[.lastEventID] ?? parameters["after"]
        let after = lastID.map { Int64($0) ?? -1 }
        if let after, after < 0 { errors.add("Last-Event-ID", "The Last-Event-ID header must be a position") }
        try errors.check("validation errors while opening the event stream")
        let keys = [request.headers[.apiKey], AuthenticationMiddleware.bearer(request)].compactMap(\.self)
        let userID = context.userID
        // Known keys are in memory, so that looking each time costs nothing.
        return try open(request, of: userID, after: after, filter, .entries) { [self] in
            try await !isRevoked(keys, of: userID)
        }
    }

    /// What a stream tells of each event.
    package enum Contents: Hashable, Sendable {
        /// An item of `GET /v1/events`.
        case entries
        /// That there was one: `changed`, once for all that came together.
        case notices
    }

    /// Whose streams are counted together: open pages do not take the place of programs, nor the other way about.
    private struct Listener: Hashable {
        let userID: UserID
        let contents: Contents
    }

    /// Opens a stream of the user's events after the position `after`, nil for what is still to come; 429 when they have
    /// ten of this kind already. It ends when `isPermitted` does not hold any more, which is asked before each frame, and
    /// once a second where nothing happens.
    package func open(
        _ request: Request, of userID: UserID, after: Int64?, _ filter: EventLog.Filter, _ contents: Contents,
        while isPermitted: @escaping @Sendable () async throws -> Bool
    ) throws -> Response {
        let admission = try admit(Listener(userID: userID, contents: contents))
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .xAccelBuffering: "no"],
            body: ResponseBody { [self] writer in
                try await request.body.consumeWithInboundCloseHandler { _ in
                    var cursor = try await start(after)
                    var nextComment = ContinuousClock.now + Self.commentInterval
                    try await writer.write(ByteBuffer(string: ": open at \(cursor)\n\n"))
                    while !admission.isOver && !Task.isCancelled && !Task.isShuttingDownGracefully {
                        guard try await isPermitted() else { break }
                        let page = try await page(of: userID, after: cursor, filter, contents)
                        cursor = page.cursor
                        if !page.frames.isEmpty { try await writer.write(ByteBuffer(bytes: page.frames)) }
                        if page.mayHaveMore { continue }
                        if nextComment <= .now {
                            nextComment = .now + Self.commentInterval
                            try await writer.write(ByteBuffer(string: ":\n\n"))
                        }
                        await store.wakeups.wait(for: .events, atMost: .seconds(1))
                    }
                } onInboundClosed: {
                    admission.end()
                }
                try await writer.finish(nil)
            })
    }

    private struct LogPage: Sendable {
        let frames: [UInt8]
        /// Where the next page begins; what a filter left out is not looked at again.
        let cursor: Int64
        let mayHaveMore: Bool
    }

    private func page(
        of userID: UserID, after cursor: Int64, _ filter: EventLog.Filter, _ contents: Contents
    ) async throws -> LogPage {
        let (events, head) = try await store.read(.user(userID)) { tx in
            let events = try EventLog.list(userID: userID, after: cursor, filter, limit: Self.batch, in: tx)
            return (events, try EventLog.head(in: tx))
        }
        let mayHaveMore = events.count == Self.batch
        return LogPage(
            frames: contents == .entries ? events.flatMap(Self.frame) : events.isEmpty ? [] : Self.notice,
            cursor: mayHaveMore ? events.last?.position ?? cursor : max(cursor, head), mayHaveMore: mayHaveMore)
    }

    /// One of the ten streams of a user; gone with the response that holds it, also one whose body is never asked for,
    /// as that to HEAD.
    private final class Admission: Sendable {
        private let leave: @Sendable () -> Void
        private let ended = Mutex(false)

        init(leave: @escaping @Sendable () -> Void) {
            self.leave = leave
        }

        deinit { leave() }

        /// Whether the client has left: without a write, nothing else would tell.
        var isOver: Bool { ended.withLock { $0 } }

        func end() { ended.withLock { $0 = true } }
    }

    private func admit(_ listener: Listener) throws(Refusal) -> Admission {
        let isAdmitted = open.withLock { open in
            guard open[listener, default: 0] < Self.streamsPerUser else { return false }
            open[listener, default: 0] += 1
            return true
        }
        guard isAdmitted else {
            throw Refusal(.tooMany, "You have \(Self.streamsPerUser) event streams open, close one first.")
        }
        return Admission { [self] in
            open.withLock { open in
                let rest = open[listener, default: 1] - 1
                open[listener] = rest > 0 ? rest : nil
            }
        }
    }

    /// Where a stream begins: after what the client saw last, else after what there is now.
    private func start(_ after: Int64?) async throws -> Int64 {
        if let after { return after }
        try await EventNumbering.catchUp(store)
        return try await store.read { tx in try EventLog.head(in: tx) }
    }

    /// Whether none of the keys that opened the stream stands for the user any more.
    private func isRevoked(_ keys: [String], of userID: UserID) async throws -> Bool {
        for key in keys {
            switch try await identities.identity(of: key) {
            case .user(userID): return false
            case .key(userID, let grant) where Self.scopes.contains(where: grant.scopes.contains): return false
            default: break
            }
        }
        return true
    }

    private static func frame(_ event: LogEntry) -> [UInt8] {
        // Events of a list have a position.
        let head = "id: \(event.position ?? 0)\nevent: \(event.type)\ndata: "
        return Array(head.utf8) + event.encodedJSON() + Array("\n\n".utf8)
    }

    /// Those that open a stream.
    private static let scopes = KeyScope.allowing("GET /v1/events/stream")
    private static let notice = Array("event: changed\ndata: {}\n\n".utf8)
    private static let streamsPerUser = 10
    private static let batch = 100
    private static let commentInterval: Duration = .seconds(15)
}
