import TestSupport
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOFoundationCompat
import NIOPosix
import Synchronization

/// A webhook endpoint in the test process that does as it is told, and remembers every request.
final class WebhookReceiver: Sendable {
    /// A request that came.
    struct Arrival: Sendable {
        /// `/fast` of `http://127.0.0.1:1234/fast`.
        let path: String
        /// By name in lower case.
        let headers: [String: String]
        let body: [UInt8]
        /// The same, read.
        let event: JSONValue
        let arrivedAt: ContinuousClock.Instant
        /// The status it was answered with; nil before.
        var answer: Int?
        var id: String { event["id"].text ?? "" }
        var type: String { event["type"].text ?? "" }
        var messageID: String { event["data"]["message_id"].text ?? "" }
        var deliveryID: String { headers["x-httpsms-delivery"] ?? "" }
    }

    /// What it does about a request.
    enum Reaction: Sendable {
        case answer(Int)
        case answerAfter(Duration, Int)
        /// 429, and when to come again.
        case refuse(retryAfter: String?)
        case never
    }

    private struct State {
        var baseURL = ""
        var arrivals: [Arrival] = []
        var react: @Sendable (Arrival, _ earlier: Int) -> Reaction = { _, _ in .answer(200) }
        var countByDelivery: [String: Int] = [:]
    }

    private let state = Mutex(State())

    /// `http://127.0.0.1:<port>`
    var baseURL: String { state.withLock { $0.baseURL } }

    /// Every request so far, in the order of arrival.
    var arrivals: [Arrival] { state.withLock { $0.arrivals } }

    /// Number of requests so far.
    var count: Int { state.withLock { $0.arrivals.count } }

    /// How many requests were answered with `status`.
    func answers(_ status: Int) -> Int { arrivals.count { $0.answer == status } }

    /// How often `type` came.
    func count(of type: String) -> Int { arrivals.count { $0.type == type } }

    /// Decides from now on what is done about a request, of which `earlier` ones came for the same delivery.
    func react(_ reaction: @escaping @Sendable (_ arrival: Arrival, _ earlier: Int) -> Reaction) {
        state.withLock { $0.react = reaction }
    }

    private func take(_ request: Request) async throws -> Response {
        if request.method == .head { return Response(status: .ok) }
        let body = try await request.body.collect(upTo: 1 << 20)
        let arrival = Arrival(
            path: request.uri.path,
            headers: Dictionary(
                request.headers.map { ($0.name.canonicalName, $0.value) }, uniquingKeysWith: { "\($0), \($1)" }),
            body: Array(body.readableBytesView),
            event: (try? JSONDecoder().decode(JSONValue.self, from: Data(buffer: body))) ?? .null,  // Tests look at it.
            arrivedAt: .now)
        let (reaction, index) = state.withLock { state in
            let earlier = state.countByDelivery[arrival.deliveryID, default: 0]
            state.countByDelivery[arrival.deliveryID] = earlier + 1
            state.arrivals.append(arrival)
            return (state.react(arrival, earlier), state.arrivals.count - 1)
        }
        switch reaction {
        case .answer(let status):
            return answer(status, index)
        case .answerAfter(let delay, let status):
            try await Task.sleep(for: delay)
            return answer(status, index)
        case .refuse(let retryAfter):
            var response = answer(429, index)
            response.headers[.retryAfter] = retryAfter
            return response
        case .never:
            try await Task.sleep(for: .seconds(3_600))
            return answer(500, index)
        }
    }

    private func answer(_ status: Int, _ index: Int) -> Response {
        state.withLock { $0.arrivals[index].answer = status }
        return Response(status: .init(code: status))
    }

    /// Serves until the task is cancelled.
    fileprivate func run() async throws {
        var logger = Logger(label: "receiver")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await self.take(request) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0), backlog: 1_024),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                self.state.withLock { $0.baseURL = "http://127.0.0.1:\(port)" }
            },
            logger: logger)
        try await application.run()
    }
}

extension WebhookReceiver {
    /// Waits until every connection that was made before has come to its handler.
    ///
    /// SwiftNIO 2.101.2 ends the process (`Deinited NIOAsyncWriter`) when a server is closed while a connection is on its way
    /// from the socket to it, as those of a server are that was just killed. They come in their order, so a connection of
    /// our own comes last.
    fileprivate func settle() async {
        let parts = baseURL.split(separator: ":")
        guard let port = parts.last.flatMap({ Int($0) }) else { return }
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(10)).connect(host: "127.0.0.1", port: port).get()
            try await channel.writeAndFlush(
                ByteBuffer(string: "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            try await channel.closeFuture.get()
        } catch {
            // A receiver that takes no connection has none on its way.
        }
    }
}

/// Runs `body` beside a receiver on a free port of loopback.
func withReceiver<Value: Sendable>(_ body: (WebhookReceiver) async throws -> Value) async throws -> Value {
    let receiver = WebhookReceiver()
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await receiver.run() }
        defer { group.cancelAll() }
        try await until("receiver listens") { !receiver.baseURL.isEmpty }
        do {
            let value = try await body(receiver)
            await receiver.settle()
            return value
        } catch {
            await receiver.settle()
            throw error
        }
    }
}
