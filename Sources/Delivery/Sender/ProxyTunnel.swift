import NIOCore
import NIOSSL

/// Asks a proxy for a tunnel, and makes way for TLS when it stands.
///
/// It is the first handler of a connection. A proxy that refuses, or answers at length, without end or with what is no HTTP, ends the
/// connection with a ``ProxyRefusal``. Its answer has no body that anybody waits for, so bytes behind the head are out of step.
final class ProxyTunnel: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The tunnel stands; what follows is the receiver's.
    struct Opened: Sendable {}

    private let request: String
    private let makeTLS: () throws -> NIOSSLClientHandler?
    private var answer = ByteBuffer()
    private var interimResponses = 0

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
        var bytes = unwrapInboundIn(data)
        answer.writeBuffer(&bytes)
        while let length = Self.lengthOfHead(answer.readableBytesView) {
            guard let status = Self.status(answer.readableBytesView) else {
                return refuse("the proxy does not speak HTTP/1.1", context)
            }
            answer.moveReaderIndex(forwardBy: length)
            // 1xx comes before the answer.
            guard status >= 200 else {
                interimResponses += 1
                guard interimResponses <= SenderLimits.interimResponses else {
                    return refuse(
                        "the proxy sent more than \(SenderLimits.interimResponses) interim responses", context)
                }
                continue
            }
            guard status < 300 else {
                return refuse(
                    status == 407 ? "the proxy asks for other credentials" : "the proxy answered \(status)", context)
            }
            guard answer.readableBytes == 0 else { return refuse("the proxy sent bytes behind its answer", context) }
            return open(context)
        }
        if answer.readableBytes > Self.longestHead { refuse("the proxy's answer is too long", context) }
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
        answer.clear()
        context.fireErrorCaught(ProxyRefusal(description: reason))
    }

    /// How many bytes there are up to the end of the first empty line; nil before it has come.
    private static func lengthOfHead(_ bytes: ByteBufferView) -> Int? {
        var line = bytes.startIndex
        while let newline = bytes[line...].firstIndex(of: UInt8(ascii: "\n")) {
            let length = newline - line
            if length == 0 || (length == 1 && bytes[line] == UInt8(ascii: "\r")) {
                return newline + 1 - bytes.startIndex
            }
            line = newline + 1
        }
        return nil
    }

    /// The status of a line such as `HTTP/1.1 200 Connection established`; nil when it is none.
    private static func status(_ bytes: ByteBufferView) -> Int? {
        let line = String(
            decoding: bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = Int(words[1]),
            status >= 100
        else { return nil }
        return status
    }
}
