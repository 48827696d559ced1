import NIOCore
import NIOSSL

/// Asks a proxy for a tunnel, and makes way for TLS when it stands.
///
/// It is the first handler of a connection. A proxy that refuses, or answers at length or with what is no HTTP, ends the connection
/// with a ``ProxyRefusal``. Its answer has no body that anybody waits for, so bytes behind the head are out of step.
final class ProxyTunnel: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The tunnel stands; what follows is the receiver's.
    struct Opened: Sendable {}

    private let request: String
    private let makeTLS: () throws -> NIOSSLClientHandler?
    private var answer: [UInt8] = []

    /// 8 KiB: what proxies send at most before they let go.
    private static let longestHead = 8 * 1_024

    init(request: String, makeTLS: @escaping () throws -> NIOSSLClientHandler?) {
        self.request = request
        self.makeTLS = makeTLS
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answer += unwrapInboundIn(data).readableBytesView
        while let end = Self.endOfHead(answer) {
            guard let status = Self.status(answer) else { return refuse("the proxy does not speak HTTP/1.1", context) }
            answer.removeFirst(end)
            // 1xx comes before the answer.
            guard status >= 200 else { continue }
            guard status < 300 else {
                return refuse(
                    status == 407 ? "the proxy asks for other credentials" : "the proxy answered \(status)", context)
            }
            guard answer.isEmpty else { return refuse("the proxy sent bytes behind its answer", context) }
            return open(context)
        }
        if answer.count > Self.longestHead { refuse("the proxy's answer is too long", context) }
    }

    private func open(_ context: ChannelHandlerContext) {
        do {
            context.fireUserInboundEventTriggered(Opened())
            if let handler = try makeTLS() {
                try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
            }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.fireErrorCaught(error)
        }
    }

    private func refuse(_ reason: String, _ context: ChannelHandlerContext) {
        answer = []
        context.fireErrorCaught(ProxyRefusal(description: reason))
    }

    /// Where what follows the first empty line begins; nil before it has come.
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        var line = 0
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            let length = index - line - (index > line && bytes[index - 1] == UInt8(ascii: "\r") ? 1 : 0)
            if length == 0 { return index + 1 }
            line = index + 1
        }
        return nil
    }

    /// The status of a line such as `HTTP/1.1 200 Connection established`; nil when it is none.
    private static func status(_ bytes: [UInt8]) -> Int? {
        let line = String(
            decoding: bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = Int(words[1]),
            status >= 100
        else { return nil }
        return status
    }
}
