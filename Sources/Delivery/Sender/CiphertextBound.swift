import NIOCore

/// Ends a connection on which the receiver sends more below TLS than any answer needs.
///
/// The bounds on heads and bodies count what TLS has decrypted. Session tickets and other records of TLS itself have no end, and each costs
/// the processor more than it costs the receiver. It is the first handler of a connection with TLS.
final class CiphertextBound: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// The receiver went beyond ``SenderLimits/ciphertextBytes``.
    struct Exceeded: Error {}

    private var count = 0

    /// Starts the count again: another exchange has the connection.
    func reset() {
        count = 0
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += unwrapInboundIn(data).readableBytes
        guard count > SenderLimits.ciphertextBytes else { return context.fireChannelRead(data) }
        context.fireErrorCaught(Exceeded())
        context.close(promise: nil)
    }
}
