import Delivery
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Timestamps

/// Hands e-mail in at the operator's mail server, one connection for each: a few a day are sent.
struct SMTPClient: Sendable {
    let server: MailServer
    let resolver: any AddressResolver

    /// 30 s for all of it.
    private static let timeLimit: Duration = .seconds(30)

    /// Hands `mail` in.
    ///
    /// - Throws: ``MailSender/Refused`` when the server will never take it, ``SMTPDialogue/Failure`` when it did not this time.
    func send(_ mail: Mail) async throws {
        let dialogue = SMTPDialogue(
            server: server, recipient: mail.recipient, text: mail.text(from: server.sender, at: SystemClock().now()))
        do {
            try await run(dialogue)
        } catch let failure as SMTPDialogue.Failure where failure.isFinal {
            throw MailSender.Refused(description: failure.description)
        }
    }

    private func run(_ dialogue: SMTPDialogue) async throws {
        let tls = server.security == .none ? nil : try NIOSSLContext(configuration: server.tls)
        let addresses = try await self.addresses()
        var failure: any Error = SMTPDialogue.Failure(description: "the mail server has no address")
        for address in addresses.prefix(4) {
            let channel: any Channel
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let outcome = loop.makePromise(of: Void.self)
            do {
                let place = try SocketAddress(
                    packedIPAddress: ByteBuffer(bytes: address.bytes), port: server.port)
                let (server, isNamed) = (self.server, IPAddress(self.server.host) == nil)
                channel = try await ClientBootstrap(group: loop).connectTimeout(.seconds(10))
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            let makeTLS = { () throws -> NIOSSLClientHandler? in
                                try tls.map {
                                    try NIOSSLClientHandler(context: $0, serverHostname: isNamed ? server.host : nil)
                                }
                            }
                            if server.security == .implicit, let handler = try makeTLS() {
                                try channel.pipeline.syncOperations.addHandler(handler)
                            }
                            try channel.pipeline.syncOperations.addHandler(
                                SMTPHandler(dialogue, host: server.host, makeTLS: makeTLS, outcome: outcome))
                        }
                    }
                    .connect(to: place).get()
            } catch {
                outcome.fail(error)
                failure = SMTPDialogue.Failure(description: "the mail server cannot be reached: \(error)")
                continue
            }
            let timer = loop.scheduleTask(in: TimeAmount(Self.timeLimit)) {
                outcome.fail(SMTPDialogue.Failure(description: "the mail server did not answer within 30 s"))
            }
            do {
                try await outcome.futureResult.get()
                timer.cancel()
                channel.close(promise: nil)
                return
            } catch {
                timer.cancel()
                channel.close(promise: nil)
                throw error
            }
        }
        throw failure
    }

    private func addresses() async throws -> [IPAddress] {
        if let literal = IPAddress(server.host) { return [literal] }
        do {
            return try await resolver.resolve(server.host, for: .operated, within: .seconds(10))
        } catch {
            throw SMTPDialogue.Failure(description: "the name of the mail server was not found: \(error)")
        }
    }
}

/// Speaks a dialogue over a connection.
private final class SMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var dialogue: SMTPDialogue
    private var replies = SMTPReplies()
    private let host: String
    private let makeTLS: () throws -> NIOSSLClientHandler?
    private let outcome: EventLoopPromise<Void>
    /// Whether a handshake is under way, in the middle of the dialogue or before it.
    private var isBeginningTLS = false

    init(
        _ dialogue: SMTPDialogue, host: String, makeTLS: @escaping () throws -> NIOSSLClientHandler?,
        outcome: EventLoopPromise<Void>
    ) {
        self.dialogue = dialogue
        self.host = host
        self.makeTLS = makeTLS
        self.outcome = outcome
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            for (code, lines) in try replies.receive(unwrapInboundIn(data).readableBytesView) {
                // What came in clear together with the go-ahead for TLS was put there by somebody else (CVE-2011-0411).
                guard !isBeginningTLS else { throw Self.outOfStep }
                try perform(dialogue.receive(code, lines), context)
            }
            if isBeginningTLS, !replies.isEmpty { throw Self.outOfStep }
        } catch {
            outcome.fail(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            do {
                try CertificateIdentity.check(host, of: context.channel)
                if isBeginningTLS {
                    isBeginningTLS = false
                    try perform(dialogue.secured(), context)
                }
            } catch {
                outcome.fail(error)
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        outcome.fail(SMTPDialogue.Failure(description: "the mail server closed the connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        outcome.fail(SMTPDialogue.Failure(description: "the connection to the mail server failed: \(error)"))
        context.close(promise: nil)
    }

    private func perform(_ action: SMTPDialogue.Action, _ context: ChannelHandlerContext) throws {
        switch action {
        case .write(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .startTLS:
            isBeginningTLS = true
            if let handler = try makeTLS() {
                try context.pipeline.syncOperations.addHandler(handler, position: .first)
            }
        case .done(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            outcome.succeed(())
        }
    }

    private static let outOfStep = SMTPDialogue.Failure(
        description: "the mail server sent more than its answer before TLS")
}
