import NIOCore
import NIOHTTP1

/// Answers `Expect: 100-continue` with `100 Continue` (RFC 9110, section 10.1.1): clients wait for it before they send a body,
/// curl for a second, others for three. A request that came before the answer to the one before it is over waits for that.
final class ContinueAnswer: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var requestCount = 0
    private var answeredCount = 0
    /// The number of the request whose client waits.
    private var awaited: Int?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            requestCount += 1
            if Self.isAwaited(head) {
                awaited = requestCount
                answer(context)
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
        context.write(data, promise: promise)
        if isEnd {
            answeredCount += 1
            answer(context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard awaited == answeredCount + 1 else { return }
        awaited = nil
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    /// Whether the client waits. One of HTTP/1.0 does not know this answer, and one without a body has nothing to send.
    private static func isAwaited(_ head: HTTPRequestHead) -> Bool {
        guard (head.version.major, head.version.minor) >= (1, 1) else { return false }
        let hasBody =
            head.headers.contains(name: "Transfer-Encoding") || head.headers["Content-Length"].contains { $0 != "0" }
        return hasBody && head.headers[canonicalForm: "Expect"].contains { $0.lowercased() == "100-continue" }
    }
}
