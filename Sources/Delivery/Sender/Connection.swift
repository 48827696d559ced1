#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import NIOCore
import NIOSSL
import NIOTLS

/// The handler at the end of one connection's pipeline: hands bytes and events to whoever uses the connection.
///
/// `@unchecked Sendable`: every mutable member is touched on `eventLoop` only; the pool and other threads merely carry
/// the reference and call ``closeSoon()``.
final class Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Who hears of events.
    private enum User {
        case nobody
        case exchange(Exchange)
        case pool(onEnd: (_ isOutOfStep: Bool) -> Void)
    }

    /// What the kernel says of a connection that rested.
    enum RestingState {
        /// Nothing has come since: a request may be written.
        case quiet
        /// The receiver, or this side, has ended it.
        case ended
        /// Bytes have come that nobody asked for.
        case outOfStep
    }

    let eventLoop: any EventLoop
    let address: IPAddress
    let established = NIODeadline.now()

    /// What the certificate must be for; nil without TLS.
    private let certifiedHost: String?

    /// What counts the bytes below TLS; nil without TLS.
    let ciphertext: CiphertextBound?

    /// Whether a request can be written: at once without TLS; with it, after the handshake and the check of the
    /// certificate.
    private(set) var isReady: Bool

    /// Whether a proxy has opened the tunnel that was asked for.
    private(set) var isTunnelled = false

    /// Whether every byte of the last request has left; if not, the connection is out of step.
    private(set) var hasWrittenAll = false

    private var context: ChannelHandlerContext?
    private var user = User.nobody
    private var hasEnded = false
    /// Looked up once, as that takes longer than asking it. The channel's own: not to be used once that has ended.
    private var socket: CInt?

    init(eventLoop: any EventLoop, address: IPAddress, certifiedHost: String?) {
        self.eventLoop = eventLoop
        self.address = address
        self.certifiedHost = certifiedHost
        ciphertext = certifiedHost == nil ? nil : CiphertextBound()
        isReady = certifiedHost == nil
    }

    /// Whether a request may be written on it. Asks the kernel, which may know more than the event loop was told so far.
    var restingState: RestingState {
        guard !hasEnded, let context, context.channel.isActive else { return .ended }
        if socket == nil {
            // No socket: then nothing is known but what the event loop was told.
            socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { $0 }
        }
        guard let socket else { return .quiet }
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Self.peekFlags)
        if count < 0, errno == EAGAIN { return .quiet }
        if count <= 0 { return .ended }
        // With TLS it may be a session ticket, which says nothing of the receiver; but it is not worth a guess either.
        return certifiedHost == nil ? .outOfStep : .ended
    }

    private static let peekFlags = CInt(truncatingIfNeeded: Int(MSG_PEEK) | Int(MSG_DONTWAIT))

    /// Gives the connection to an exchange, which hears of everything from now on.
    func serve(_ exchange: Exchange) {
        user = .exchange(exchange)
        ciphertext?.reset()
    }

    /// Lets the connection rest in the pool; anything that happens then ends it and is told to the pool, with whether
    /// bytes came that nobody asked for.
    func rest(onEnd: @escaping (_ isOutOfStep: Bool) -> Void) {
        user = .pool(onEnd: onEnd)
    }

    /// Writes a whole request.
    func write(_ request: ByteBuffer) {
        guard let context else { return }
        hasWrittenAll = false
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { self.hasWrittenAll = true }
        context.writeAndFlush(wrapOutboundOut(request), promise: promise)
    }

    /// Closes without telling anyone. On the event loop only.
    func close() {
        user = .nobody
        hasEnded = true
        context?.close(promise: nil)
    }

    /// Closes from any thread, unless an exchange has taken the connection by then.
    func closeSoon() {
        eventLoop.execute {
            if case .exchange = self.user { return }
            self.close()
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch user {
        case .exchange(let exchange): exchange.received(unwrapInboundIn(data))
        // Nobody asked: a late 408 or worse. The connection is out of step.
        case .pool(let onEnd):
            close()
            onEnd(true)
        case .nobody: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ProxyTunnel.Opened { isTunnelled = true }
        if case .handshakeCompleted? = event as? TLSUserEvent {
            do {
                if let certifiedHost { try CertificateIdentity.check(certifiedHost, of: context.channel) }
            } catch {
                return end(error)
            }
            isReady = true
            if case .exchange(let exchange) = user { exchange.becameReady() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(error)
    }

    private func end(_ error: (any Error)?) {
        let last = user
        close()
        switch last {
        case .exchange(let exchange): exchange.connectionEnded(error)
        case .pool(let onEnd): onEnd(false)
        case .nobody: break
        }
    }
}
