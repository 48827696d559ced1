import Delivery
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// `GET /v1/events/stream`: the log as server-sent events (WHATWG HTML 9.2), live, and from `Last-Event-ID` on.
///
/// Each event has its position as `id` and its type as `event`; the data is an item of `GET /v1/events`. A comment every
/// 15 s keeps proxies from closing the connection. A client that comes back with the last id it saw misses nothing.
final class EventStream: Sendable {
    private let store: any Store
    private let identities: Identities
    private let open = Mutex<[UserID: Int]>([:])

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
        let userID = context.userID
        let isAdmitted = open.withLock { open in
            guard open[userID, default: 0] < Self.streamsPerUser else { return false }
            open[userID, default: 0] += 1
            return true
        }
        guard isAdmitted else {
            throw APIError(.tooManyRequests, "You have \(Self.streamsPerUser) event streams open, close one first.")
        }
        let key = request.headers[.apiKey] ?? AuthenticationMiddleware.bearer(request) ?? ""
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .xAccelBuffering: "no"],
            body: ResponseBody { [self] writer in
                defer { open.withLock { $0[userID, default: 1] -= 1 } }
                var cursor = try await start(after)
                var nextComment = ContinuousClock.now + Self.commentInterval
                var nextCheck = ContinuousClock.now + Self.checkInterval
                try await writer.write(ByteBuffer(string: ": open at \(cursor)\n\n"))
                while !Task.isCancelled && !Task.isShuttingDownGracefully {
                    let from = cursor
                    let events = try await store.read { tx in
                        try EventLog.list(userID: userID, after: from, filter, limit: Self.batch, in: tx)
                    }
                    if !events.isEmpty {
                        try await writer.write(ByteBuffer(bytes: events.flatMap(Self.frame)))
                        cursor = events[events.count - 1].position
                    }
                    if events.count == Self.batch { continue }
                    if nextComment <= .now {
                        nextComment = .now + Self.commentInterval
                        try await writer.write(ByteBuffer(string: ":\n\n"))
                    }
                    if nextCheck <= .now {
                        nextCheck = .now + Self.checkInterval
                        if try await isRevoked(key) { break }
                    }
                    await store.wakeups.wait(for: .events, atMost: .seconds(1))
                }
                try await writer.finish(nil)
            })
    }

    /// Where a stream begins: after what the client saw last, else after what there is now.
    private func start(_ after: Int64?) async throws -> Int64 {
        if let after { return after }
        return try await store.read { tx in try EventLog.head(in: tx) }
    }

    private func isRevoked(_ key: String) async throws -> Bool {
        if key.isEmpty { return false }
        return try await identities.identity(of: key) == nil
    }

    private static func frame(_ event: LogEntry) -> [UInt8] {
        Array("id: \(event.position)\nevent: \(event.type)\ndata: ".utf8) + event.encodedJSON() + Array("\n\n".utf8)
    }

    private static let streamsPerUser = 10
    private static let batch = 100
    private static let commentInterval: Duration = .seconds(15)
    /// How often the key is looked at again, so that a rotated one ends its streams.
    private static let checkInterval: Duration = .seconds(30)
}
