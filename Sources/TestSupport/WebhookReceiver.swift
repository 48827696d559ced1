import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An endpoint on a free port of loopback that keeps what it is sent and answers by a script.
///
/// ```swift
/// try await WebhookReceiver.run { _, count in count == 0 ? .status(503) : .status(200) } body: { receiver in
///     ... // a webhook with receiver.url("/hook")
///     let requests = try await receiver.requests(2)
/// }
/// ```
package final class WebhookReceiver: Sendable {
    /// A request as it came.
    package struct Request: Sendable {
        /// The method.
        package let method: String
        /// Path and query.
        package let path: String
        /// The headers.
        package let headers: HTTPHeaders
        /// The body.
        package let body: [UInt8]
        /// When its last byte was there.
        package let arrivedAt: ContinuousClock.Instant

        /// The first header `name`, whatever its case; nil when there is none.
        package func header(_ name: String) -> String? { headers.first(name: name) }

        /// The body as text.
        package var text: String { String(decoding: body, as: UTF8.self) }

        /// The body as JSON; `absent` when it is none.
        package var json: JSON {
            // A body that is not JSON is one that no expectation fits.
            (try? JSONDecoder().decode(JSON.self, from: Data(body))) ?? .absent
        }

        /// The CloudEvent's `type`.
        package var eventType: String { json["type"].string }
    }

    /// What a request is answered.
    package enum Answer: Sendable {
        /// A response.
        case status(Int, headers: [String: String] = [:], after: Duration = .zero, body: [UInt8] = [])
        /// Nothing; the connection stays open.
        case silence
    }

    /// Decides on the answer, from the request and how many came to the same path before it.
    package typealias Script = @Sendable (_ request: Request, _ count: Int) -> Answer

    private let received = Mutex<[Request]>([])
    private let script: Script
    private let port = Mutex(0)
    private let channels = Mutex<[any Channel]>([])

    private init(script: @escaping Script) {
        self.script = script
    }

    /// Listens while `body` runs.
    package static func run<Value>(
        _ script: @escaping Script = { _, _ in .status(200) }, body: (WebhookReceiver) async throws -> Value
    ) async throws -> Value {
        let receiver = WebhookReceiver(script: script)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    receiver.channels.withLock { $0.append(channel) }
                    let decoder = ByteToMessageHandler(HTTPRequestDecoder())
                    try channel.pipeline.syncOperations.addHandlers(decoder, Collector(receiver: receiver))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        receiver.port.withLock { $0 = server.localAddress?.port ?? 0 }
        let result: Result<Value, any Error>
        do { result = .success(try await body(receiver)) } catch { result = .failure(error) }
        try await server.close()
        for channel in receiver.channels.withLock({ $0 }) { channel.close(promise: nil) }
        return try result.get()
    }

    /// The URL of `path` here.
    package func url(_ path: String = "/hook") -> String {
        "http://127.0.0.1:\(port.withLock { $0 })\(path)"
    }

    /// What came so far, in the order of arrival.
    package var requests: [Request] { received.withLock { $0 } }

    /// What came so far to `path`.
    package func requests(to path: String) -> [Request] { requests.filter { $0.path == path } }

    /// Waits until `count` requests came, to `path` when one is given, and gives all that came there.
    ///
    /// - Throws: ``NeverHappened``, with the types of the events that did come.
    package func requests(
        _ count: Int, to path: String? = nil, within limit: Duration = longestWait
    ) async throws -> [Request] {
        do {
            return try await eventually("\(count) requests", within: limit) {
                let found = path.map { self.requests(to: $0) } ?? self.requests
                return found.count >= count ? found : nil
            }
        } catch let error as NeverHappened {
            throw NeverHappened(description: "\(error); there are \(requests.map { "\($0.path) \($0.eventType)" })")
        }
    }

    /// Waits for the event of `type` that comes as the `number`th of its kind, from 1.
    ///
    /// - Throws: ``NeverHappened``, with the types of the events that did come.
    package func event(_ type: String, _ number: Int = 1) async throws -> Request {
        do {
            return try await eventually("\(type) number \(number)") {
                let found = self.requests.filter { $0.eventType == type }
                return found.count >= number ? found[number - 1] : nil
            }
        } catch let error as NeverHappened {
            throw NeverHappened(description: "\(error); there are \(requests.map(\.eventType))")
        }
    }

    private func take(_ request: Request) -> Answer {
        let count = received.withLock { requests in
            requests.append(request)
            return requests.count { $0.path == request.path } - 1
        }
        return script(request, count)
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        private let receiver: WebhookReceiver
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(receiver: WebhookReceiver) {
            self.receiver = receiver
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = []
            case .body(let bytes):
                body += bytes.readableBytesView
            case .end:
                guard let head else { return }
                let request = Request(
                    method: head.method.rawValue, path: head.uri, headers: head.headers, body: body, arrivedAt: .now)
                answer(receiver.take(request), on: context.channel)
            }
        }

        private func answer(_ answer: Answer, on channel: any Channel) {
            guard case .status(let code, let headers, let delay, let body) = answer else { return }
            let lines = headers.map { "\($0): \($1)\r\n" }.joined()
            let head = "HTTP/1.1 \(code) Scripted\r\nContent-Length: \(body.count)\r\n\(lines)\r\n"
            let response = ByteBuffer(bytes: Array(head.utf8) + body)
            channel.eventLoop.scheduleTask(in: TimeAmount(delay)) { channel.writeAndFlush(response, promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
