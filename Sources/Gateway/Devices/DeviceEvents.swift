import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `GET /events`: tells a device at once that there is something to fetch. Whatever is lost here is fetched at one of its polls,
/// every 15 minutes.
struct DeviceEvents: Sendable {
    let store: any Store
    let clock: any WallClock
    let streams: DeviceStreams
    private let probes = ProbePlaces()

    init(store: any Store, clock: any WallClock, streams: DeviceStreams) {
        (self.store, self.clock, self.streams) = (store, clock, streams)
    }

    /// Opens a stream.
    ///
    /// - Throws: ``Refusal`` `.tooMany` when the device has 64.
    func open(_ request: Request, of device: Device, on channel: any Channel) async throws -> Response {
        let (id, userID) = (device.id, device.userID)
        guard let stream = streams.open(id) else {
            throw Refusal(.tooMany, "This device has too many connections open.")
        }
        await Self.noticeDeath(of: channel)
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .xAccelBuffering: "no", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                try await request.body.consumeWithInboundCloseHandler { _ in
                    try await writer.write(ByteBuffer(string: ": open\n\n"))
                    try await store.write(.user(userID)) { tx in
                        try PhoneDeviceQueries.note(.streamed, of: id, in: tx)
                    }
                    let now = clock.steady()
                    var progress = Progress(nextLook: now, nextComment: now + Self.commentInterval)
                    while !stream.isOver && !Task.isCancelled && !Task.isShuttingDownGracefully {
                        guard let text = try await step(id, stream, &progress) else { break }
                        if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
                        await stream.wait(until: min(progress.nextLook, progress.nextComment))
                    }
                } onInboundClosed: {
                    stream.end()
                }
                try await writer.finish(nil)
            })
    }

    /// Four comments, a third of a second apart, for anybody: whoever sets up a proxy sees whether it holds them back
    /// (`httpsms doctor --phone`). It reads and writes nothing.
    ///
    /// - Throws: ``Refusal`` `.tooMany` when 16 are under way on this node.
    func probe() throws -> Response {
        guard let place = probes.take() else {
            throw Refusal(.tooMany, "Too many probes at a time. Try again in a few seconds.")
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .xAccelBuffering: "no", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                for number in 1...4 {
                    try await writer.write(ByteBuffer(string: ": probe \(number)\n\n"))
                    try await clock.sleep(for: .milliseconds(number < 4 ? 333 : 1))
                }
                place.leave()
                try await writer.finish(nil)
            })
    }

    /// By the steady clock.
    private struct Progress {
        var teller: DeviceTeller?
        var nextLook: Duration
        var nextComment: Duration
    }

    /// What to write now; nil when the device was removed. A comment alone asks the store nothing.
    private func step(_ id: DeviceID, _ stream: DeviceStreams.Stream, _ progress: inout Progress) async throws
        -> String?
    {
        var text = ""
        if stream.takeNudge() || clock.steady() >= progress.nextLook {
            let found = try await store.read(.request) { tx in try DeviceTeller.News(of: id, in: tx) }
            guard let found else { return nil }
            let now = clock.steady()
            var teller = progress.teller ?? DeviceTeller(found, at: now)
            text = teller.events(found, at: now).map(\.frame).joined()
            progress.teller = teller
            progress.nextLook = now + min(teller.nextLook(found, at: now) ?? Self.lookInterval, Self.lookInterval)
        }
        let now = clock.steady()
        if now >= progress.nextComment {
            progress.nextComment = now + Self.commentInterval
            text += ":\n\n"
        }
        return text
    }

    /// Has the system close a connection whose other end has not answered for a minute: a phone that has lost its network says
    /// nothing, and would be told of messages for a quarter of an hour.
    private static func noticeDeath(of channel: any Channel) async {
        #if os(Linux)
            // A system that does not know the option finds out later.
            try? await channel.setOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: 60_000).get()
        #endif
    }

    /// As the app's maker does; it reads for an hour at most.
    private static let commentInterval: Duration = .seconds(15)
    /// How long a stream believes that nothing is to be told: another node may have removed the device, and its hint been lost.
    private static let lookInterval: Duration = .seconds(60)
}

/// How many probes may be under way at a time: they need no token, and each holds a connection for a second.
final class ProbePlaces: Sendable {
    private static let most = 16
    private let taken = Mutex(0)

    /// A place that was free; nil when all are taken.
    func take() -> Place? {
        let isFree = taken.withLock { taken in
            if taken >= Self.most { return false }
            taken += 1
            return true
        }
        return isFree ? Place(of: self) : nil
    }

    /// Held by one probe, until it is over or its connection is gone.
    final class Place: Sendable {
        private let places: ProbePlaces
        private let isLeft = Mutex(false)

        /// Not one that fails: the optimiser of Swift 6.3.1 crashes on a class with a `Mutex` whose initialiser can.
        fileprivate init(of places: ProbePlaces) {
            self.places = places
        }

        deinit { leave() }

        func leave() {
            let isFirst = isLeft.withLock { isLeft in
                defer { isLeft = true }
                return !isLeft
            }
            if isFirst { places.taken.withLock { $0 -= 1 } }
        }
    }
}

/// What one stream of a device says, decided from what stands in the store.
struct DeviceTeller: Sendable {
    /// An event that the app knows.
    enum Event: Hashable, Sendable {
        case messageEnqueued, webhooksUpdated, settingsUpdated
        case messageCancelled(MessageID)
        case messagesExportRequested(InboxRequest)

        /// As it stands on the stream. The app drops an event without data.
        var frame: String {
            switch self {
            case .messageEnqueued: "event: MessageEnqueued\ndata: null\n\n"
            case .webhooksUpdated: "event: WebhooksUpdated\ndata: null\n\n"
            case .settingsUpdated: "event: SettingsUpdated\ndata: null\n\n"
            case .messageCancelled(let id): "event: MessageCancelled\ndata: {\"messageId\":\"\(id)\"}\n\n"
            case .messagesExportRequested(let request): "event: MessagesExportRequested\ndata: \(request.data)\n\n"
            }
        }
    }

    /// What there is to tell.
    struct News: Sendable {
        /// Whether messages were handed out that the device did not fetch.
        var isOutstanding = false
        /// When it fetched last.
        var pulledAt: Timestamp?
        var registeredAt: Timestamp
        /// Whether it has fetched the list since it registered.
        var hasWebhooks = true
        var hasSettings = true
        /// What it should give up.
        var cancelled: [MessageID] = []
        /// Which SMS of the phone's inbox were asked for.
        var inbox: InboxRequest?
    }

    private var toldAt: Duration
    /// When the device had fetched last as it was told.
    private var pulledBefore: Timestamp?
    /// How often it was told since then.
    private var tries = 0
    private var registeredAt: Timestamp?
    private var toldCancelled: Set<MessageID> = []
    private var toldInbox: InboxRequest?

    /// A stream that opened now: the app fetches messages then by itself.
    init(_ news: News, at now: Duration) {
        toldAt = now
        pulledBefore = news.pulledAt
    }

    /// What to say now.
    mutating func events(_ news: News, at now: Duration) -> [Event] {
        var events: [Event] = []
        // A phone that registers with a private token fetches both before it has a token, and then not for a day.
        if registeredAt != news.registeredAt {
            registeredAt = news.registeredAt
            if !news.hasWebhooks { events.append(.webhooksUpdated) }
            if !news.hasSettings { events.append(.settingsUpdated) }
        }
        events += news.cancelled.filter { !toldCancelled.contains($0) }.map(Event.messageCancelled)
        toldCancelled = Set(news.cancelled)
        if let inbox = news.inbox, inbox != toldInbox {
            toldInbox = inbox
            events.append(.messagesExportRequested(inbox))
        }
        if news.isOutstanding, now >= dueAt(news) {
            tries = news.pulledAt == pulledBefore ? min(tries + 1, 10) : 1
            toldAt = now
            pulledBefore = news.pulledAt
            events.append(.messageEnqueued)
        }
        return events
    }

    /// When the device is told again that messages wait. To be told replaces what it fetches at that moment, so it is told at
    /// most once a second, and while it was told and did not fetch, after 10, 20, 40, 60 s only.
    private func dueAt(_ news: News) -> Duration {
        guard tries > 0, news.pulledAt == pulledBefore else { return toldAt + Self.shortestInterval }
        return toldAt + min(Self.firstPatience * (1 << (tries - 1)), Self.lastPatience)
    }

    /// How long nothing is to be said of this news by itself, after ``events(_:at:)``; nil for any time.
    func nextLook(_ news: News, at now: Duration) -> Duration? {
        news.isOutstanding ? max(dueAt(news) - now, .zero) : nil
    }

    private static let shortestInterval: Duration = .seconds(1)
    /// How long the app waits for an answer.
    private static let firstPatience: Duration = .seconds(10)
    private static let lastPatience: Duration = .seconds(60)
}

extension DeviceTeller.News {
    /// Reads what there is to tell a device; nil when there is no such device, or its tokens were revoked.
    init?(of id: DeviceID, in tx: any Transaction) throws {
        guard let device = try PhoneDeviceQueries.find(id, in: tx), try PhoneDeviceQueries.isLetIn(id, in: tx)
        else { return nil }
        self.init(registeredAt: device.registeredAt)
        isOutstanding = try DeviceOfferQueries.isAnythingOutstanding(
            userID: device.userID, owners: device.numbers.map(\.number), in: tx)
        pulledAt = device.pulledAt
        hasWebhooks = device.webhooksAt != nil
        hasSettings = device.settingsAt != nil
        if device.appVersion.map({ $0 >= .cancel }) ?? false {
            cancelled = try DeviceOfferQueries.cancelled(of: id, in: tx)
        }
        inbox = device.inboxAskedAt.flatMap { InboxRequest(askedAt: $0, now: tx.now) }
    }
}

/// Which SMS of its inbox a phone is asked for: the app posts those that it did not pass on before, as if they came now. Those that
/// it did pass on are known here by sender, text and time, if an old app posts them again.
struct InboxRequest: Sendable, Hashable {
    let since: Timestamp
    let until: Timestamp

    /// Nil when that was too long ago: nobody would know where old SMS come from.
    init?(askedAt: Timestamp, now: Timestamp) {
        guard (.zero...Self.lifetime).contains(now - askedAt) else { return nil }
        (since, until) = (askedAt - Self.span, askedAt)
    }

    private static let lifetime: Duration = .seconds(3_600)
    private static let span: Duration = .seconds(30 * 86_400)

    /// As the app reads it: all values are text.
    fileprivate var data: String {
        #"{"since":"\#(since.milliseconds)","until":"\#(until.milliseconds)","triggerWebhooks":"true"}"#
    }
}
