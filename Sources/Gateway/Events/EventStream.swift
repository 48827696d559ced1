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
///
/// A part of the log is read when there is room for it in ``AnswerMemory``, and the next one when the connection has taken it: a
/// client that reads nothing holds one part, until it is dropped. While there is no room, a stream waits, and holds nothing.
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
        return try open(
            request, of: userID, as: [.programs(userID)], after: after, filter, .entries, room: context.room
        ) { [self] in
            try await !isRevoked(keys, of: userID)
        }
    }

    /// What a stream tells of each event.
    enum Contents: Sendable {
        /// An item of `GET /v1/events`.
        case entries
        /// That there was one: `changed`, once for all that came together.
        case notices
    }

    /// Whose streams are counted together: open pages do not take the place of programs, nor the other way about, and those
    /// of one member do not take the place of the others.
    private enum Listener: Hashable {
        /// The programs of an account.
        case programs(UserID)
        /// The pages that one person has open.
        case person(UserID)
        /// The pages that are open in an account, whoever looks at them.
        case account(UserID)

        /// How many streams they have at most.
        var limit: Int {
            switch self {
            case .programs, .person: EventStream.streamsPerUser
            case .account: EventStream.pagesPerAccount
            }
        }
    }

    /// Opens a stream that tells a page of the person when something happens in their account, from now on; 429 when they
    /// have ten already, or the account has a hundred. It ends when `isPermitted` does not hold any more, which is asked
    /// before each frame, and once a second where nothing happens.
    package func open(
        _ request: Request, by person: Person, while isPermitted: @escaping @Sendable () async throws -> Bool
    ) throws -> Response {
        try open(
            request, of: person.account, as: [.person(person.id), .account(person.account)],
            after: nil, EventLog.Filter(), .notices, room: nil, while: isPermitted)
    }

    private func open(
        _ request: Request, of userID: UserID, as listeners: [Listener], after: Int64?, _ filter: EventLog.Filter,
        _ contents: Contents, room: AnswerRoom?, while isPermitted: @escaping @Sendable () async throws -> Bool
    ) throws -> Response {
        let admission = try admit(listeners)
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
                        if let page = try await page(of: userID, after: cursor, filter, contents, room) {
                            var frames = page.frames
                            while let bytes = frames.next() {
                                try await writer.write(inPieces: ByteBuffer(bytes: bytes), on: room?.loop)
                            }
                            withExtendedLifetime(page.share) {}
                            cursor = page.cursor
                            if page.mayHaveMore { continue }
                        }
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

    /// A part of the log, as it is sent.
    struct Page: Sendable {
        let frames: Frames
        /// Where the next page begins; what a filter left out is not looked at again.
        let cursor: Int64
        let mayHaveMore: Bool
        /// What it takes of memory until it is sent; nil for what is small.
        let share: AnswerMemory.Share?
    }

    /// What is sent of events: written when it is sent, so that one large event at a time is there as JSON.
    struct Frames: Sendable {
        private let notice: [UInt8]?
        private let events: [LogEntry]
        private var sent = 0

        /// All of each event.
        init(entries events: [LogEntry]) {
            (notice, self.events) = (nil, events)
        }

        /// That there are some.
        init(notice: [UInt8]?) {
            self.notice = notice
            events = []
        }

        /// The next frames, as many as have ``AnswerMemory/large`` bytes, the last one whole; nil at the end.
        mutating func next() -> [UInt8]? {
            if let notice {
                defer { sent = 1 }
                return sent == 0 ? notice : nil
            }
            var bytes: [UInt8] = []
            while sent < events.count, bytes.count < AnswerMemory.large {
                bytes += EventStream.frame(events[sent])
                sent += 1
            }
            return bytes.isEmpty ? nil : bytes
        }
    }

    /// What comes after the position `cursor`; nil when there is no room for it just now.
    func page(
        of userID: UserID, after cursor: Int64, _ filter: EventLog.Filter, _ contents: Contents, _ room: AnswerRoom?
    ) async throws -> Page? {
        let (extent, head) = try await store.read(.user(userID)) { tx in
            let extent = try EventLog.extent(userID: userID, after: cursor, filter, limit: Self.batch, in: tx)
            return (extent, try EventLog.head(in: tx))
        }
        if contents == .notices || extent.isEmpty {
            let frames = Frames(notice: extent.isEmpty ? nil : Self.notice)
            return Page(frames: frames, cursor: max(cursor, head), mayHaveMore: false, share: nil)
        }
        var share: AnswerMemory.Share?
        if let room, extent.bytes > AnswerMemory.large {
            share = room.share(ofStream: extent.bytes)
            if share == nil { return nil }
        }
        let events = try await store.read(.user(userID)) { tx in try EventLog.events(in: extent, in: tx) }
        return Page(
            frames: Frames(entries: events), cursor: extent.next ?? max(cursor, head),
            mayHaveMore: extent.next != nil, share: share)
    }

    /// One of the streams that somebody may have; gone with the response that holds it, also one whose body is never asked
    /// for, as that to HEAD.
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

    private func admit(_ listeners: [Listener]) throws(Refusal) -> Admission {
        let crowded = open.withLock { open -> Listener? in
            for listener in listeners where open[listener, default: 0] >= listener.limit { return listener }
            for listener in listeners { open[listener, default: 0] += 1 }
            return nil
        }
        if let crowded {
            throw Refusal(.tooMany, "You have \(crowded.limit) event streams open, close one first.")
        }
        return Admission { [self] in
            open.withLock { open in
                for listener in listeners {
                    let rest = open[listener, default: 1] - 1
                    open[listener] = rest > 0 ? rest : nil
                }
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
    /// Of programs, and of the pages of one person.
    private static let streamsPerUser = 10
    /// Ten people with as many pages as they may have; a page without a stream looks by itself.
    private static let pagesPerAccount = 100
    private static let batch = 100
    private static let commentInterval: Duration = .seconds(15)
}
