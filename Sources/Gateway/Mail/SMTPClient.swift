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

    /// Hands `mail` in. Cancellation ends that at once, whatever the server does.
    ///
    /// - Throws: ``MailSender/Refused`` when the server will never take it, ``SMTPDialogue/Failure`` when it did not this time,
    ///   `CancellationError`.
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
        var failure = SMTPDialogue.Failure(description: "the mail server has no address")
        for address in addresses.prefix(4) {
            let outcome = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
            let problem = try await withTaskCancellationHandler {
                try await hold(dialogue, at: address, tls, outcome)
            } onCancel: {
                outcome.fail(CancellationError())
            }
            guard let problem else { return }
            try Task.checkCancellation()
            failure = SMTPDialogue.Failure(description: "the mail server cannot be reached: \(problem)")
        }
        throw failure
    }

    /// Holds a dialogue until there is an outcome, which closes the connection at once, even one that does not stand yet.
    ///
    /// - Returns: Why nobody can be reached at the address; nil when the mail was taken.
    private func hold(
        _ dialogue: SMTPDialogue, at address: IPAddress, _ tls: NIOSSLContext?, _ outcome: EventLoopPromise<Void>
    ) async throws -> (any Error)? {
        let loop = outcome.futureResult.eventLoop
        do {
            try OpenFiles.checkForSocket()
            let place = try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.bytes), port: server.port)
            let (server, isNamed) = (self.server, IPAddress(self.server.host) == nil)
            _ = try await ClientBootstrap(group: loop).connectTimeout(.seconds(10))
                .channelInitializer { channel in
                    outcome.futureResult.whenComplete { _ in channel.close(promise: nil) }
                    return channel.eventLoop.makeCompletedFuture {
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
            return error
        }
        let timer = loop.scheduleTask(in: TimeAmount(Self.timeLimit)) {
            outcome.fail(SMTPDialogue.Failure(description: "the mail server did not answer within 30 s"))
        }
        defer { timer.cancel() }
        try await outcome.futureResult.get()
        return nil
    }

    private func addresses() async throws -> [IPAddress] {
        if let literal = IPAddress(server.host) { return [literal] }
        do {
            return try await resolver.resolve(server.host, for: .operated, within: .seconds(10))
        } catch {
            try Task.checkCancellation()
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
