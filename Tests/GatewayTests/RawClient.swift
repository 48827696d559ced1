import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

/// A socket that writes what it is told and keeps what it is answered.
final class RawClient: Sendable {
    private let channel: any Channel
    private let received: Received

    init(_ baseURL: String, reads: Bool = true) async throws {
        let port = try #require(baseURL.split(separator: ":").last.flatMap { Int($0) })
        let received = Received()
        self.received = received
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        channel.closeFuture.whenComplete { _ in received.isClosed.withLock { $0 = true } }
    }

    var text: String { received.text.withLock { $0 } }
    var isOpen: Bool { !received.isClosed.withLock { $0 } }

    func write(_ text: String) {
        channel.writeAndFlush(channel.allocator.buffer(string: text), promise: nil)
    }

    func close() {
        channel.close(promise: nil)
    }

    /// Waits until what came holds `text`, `count` times.
    func until(_ text: String, count: Int = 1) async throws {
        try await TestSupport.until("the answer has \(text), not \(self.text)") {
            self.text.components(separatedBy: text).count > count
        }
    }

    func untilClosed() async throws {
        try await TestSupport.until("the connection is closed") { !isOpen }
    }

    private final class Received: Sendable {
        let text = Mutex("")
        let isClosed = Mutex(false)
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let received: Received

        init(_ received: Received) {
            self.received = received
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            received.text.withLock { $0 += text }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
