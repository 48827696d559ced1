import NIOCore
import NIOHTTP1

/// Refuses requests whose host is in doubt, as the parser refuses what it cannot read: with 400, and the connection's end.
///
/// RFC 9112 section 3.2: a request of HTTP/1.1 without `Host`, or any with two, is answered 400. What is behind a proxy
/// must not see another host than the proxy did. HTTP/1.0, which simple health checks speak, needs none.
final class HostCheck: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private var isRefused = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        if case .head(let head) = unwrapInboundIn(data) {
            let count = head.headers["Host"].count
            if count > 1 || (count == 0 && head.version != .http1_0) {
                isRefused = true
                return context.fireErrorCaught(HTTPParserError.invalidHeaderToken)
            }
        }
        context.fireChannelRead(data)
    }
}
