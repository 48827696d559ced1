import NIOCore
import NIOPosix
import NIOSSL

/// How to reach a receiver: vetted addresses and the TLS to speak there.
struct Destination: Sendable {
    /// Addresses that the policy passed for this attempt, in the order of dialling; never empty.
    let addresses: [IPAddress]
    let port: Int

    /// Nil without TLS.
    let tls: NIOSSLContext?

    /// The host of the URL, a name or an address: what must be certified.
    let host: String

    /// Whether `host` is a name, which is then told to the receiver (SNI).
    let isNamed: Bool

    /// What the addresses are.
    var hop = Hop.receiver

    /// What is dialled.
    enum Hop: Sendable {
        /// The receiver itself.
        case receiver
        /// A proxy, and the request that asks it for a tunnel; nil where it reads the requests itself.
        case proxy(tunnel: String?)
    }

    /// Makes what speaks TLS with the receiver; nil without TLS.
    func makeTLSHandler() throws -> NIOSSLClientHandler? {
        try tls.map { try NIOSSLClientHandler(context: $0, serverHostname: isNamed ? host : nil) }
    }
}

/// Opens one TCP connection to the first address that answers, giving each a head start of 250 ms (RFC 8305).
///
/// A name with hundreds of addresses must not open hundreds of sockets: eight are open at once, and where more addresses
/// wait, the oldest makes way for the next.
///
/// Only addresses are dialled, never names: no resolver can be reached from here. Lives on one event loop.
final class Dial {
    private let loop: any EventLoop
    private let destination: Destination
    private let deadline: NIODeadline
    private let completion: (Result<Connection, AttemptFailure>) -> Void
    private let headStart: TimeAmount
    private var waiting: ArraySlice<IPAddress>
    private var dialling: [Connection] = []
    private var stagger: Scheduled<Void>?
    private var firstError: AttemptFailure?
    private var isFinished = false

    /// Prepares a dial; the completion is called once, on the loop, unless the dial is cancelled before.
    init(
        _ destination: Destination, on loop: any EventLoop, deadline: NIODeadline,
        completion: @escaping (Result<Connection, AttemptFailure>) -> Void
    ) {
        self.loop = loop
        self.destination = destination
        self.deadline = deadline
        self.completion = completion
        waiting = destination.addresses.prefix(SenderLimits.dialledAddresses)
        headStart =
            waiting.count > SenderLimits.parallelDials ? SenderLimits.hurriedDialStagger : SenderLimits.dialStagger
    }

    /// Dials the first address.
    func start() {
        dialNext()
    }

    /// Closes what is under way; the completion is not called.
    func cancel() {
        isFinished = true
        stagger?.cancel()
        for connection in dialling { connection.close() }
        dialling = []
    }

    private func dialNext() {
        guard let address = waiting.popFirst() else { return }
        if dialling.count >= SenderLimits.parallelDials { giveUp(dialling.removeFirst()) }
        let connection = Connection(
            eventLoop: loop, address: address, certifiedHost: destination.tls == nil ? nil : destination.host)
        dialling.append(connection)
        connect(connection).assumeIsolated().whenComplete { result in
            self.dialled(connection, result)
        }
        guard !waiting.isEmpty, !isFinished else { return }
        stagger = loop.assumeIsolated().scheduleTask(in: headStart) { self.dialNext() }
    }

    private func connect(_ connection: Connection) -> EventLoopFuture<any Channel> {
        let destination = destination
        do {
            try OpenFiles.checkForSocket()
            let bytes = ByteBuffer(bytes: connection.address.bytes)
            let address = try SocketAddress(packedIPAddress: bytes, port: destination.port)
            return ClientBootstrap(group: loop)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(
                    .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: SenderLimits.receiveBufferBytes)
                )
                // The attempt's own deadline comes first; this one only frees the socket.
                .connectTimeout(max(deadline - .now(), .zero) + .milliseconds(100))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let bound = connection.ciphertext { try channel.pipeline.syncOperations.addHandler(bound) }
                        if case .proxy(let tunnel?) = destination.hop {
                            try channel.pipeline.syncOperations.addHandler(
                                ProxyTunnel(request: tunnel, makeTLS: destination.makeTLSHandler))
                        } else if let handler = try destination.makeTLSHandler() {
                            try channel.pipeline.syncOperations.addHandler(handler)
                        }
                        try channel.pipeline.syncOperations.addHandler(connection)
                    }
                }
                .connect(to: address)
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    private func dialled(_ connection: Connection, _ result: Result<any Channel, any Error>) {
        guard !isFinished, let index = dialling.firstIndex(where: { $0 === connection }) else {
            return connection.close()
        }
        dialling.remove(at: index)
        switch result {
        case .success:
            cancel()
            completion(.success(connection))
        case .failure(let error):
            let failure = failure(error, address: connection.address)
            note(failure)
            stagger?.cancel()
            if !waiting.isEmpty {
                dialNext()
            } else if dialling.isEmpty {
                isFinished = true
                completion(.failure(firstError ?? AttemptFailure(.connectFailed)))
            }
        }
    }

    private func giveUp(_ connection: Connection) {
        connection.close()
        note(unreachable(.connectTimeout, "\(connection.address) port \(destination.port) did not answer"))
    }

    private func note(_ failure: AttemptFailure) {
        // What this machine lacks says nothing of the receiver, and counts only where no address said anything else.
        if firstError == nil || firstError?.code == .cancelled { firstError = failure }
    }

    private func failure(_ error: any Error, address: IPAddress) -> AttemptFailure {
        let place = "\(address) port \(destination.port)"
        return switch error {
        case ChannelError.connectTimeout: unreachable(.connectTimeout, "\(place) did not answer")
        case is NIOSSLError, is NIOSSLExtraError: AttemptFailure(.tlsFailed, TLSFailure.detail(error))
        case let error as IOError where LocalShortage.isOne(error.errnoCode, family: address.family):
            AttemptFailure(.cancelled, SystemErrorText.of(error.errnoCode))
        case let error as IOError: unreachable(.connectFailed, "\(place): \(SystemErrorText.of(error.errnoCode))")
        default: unreachable(.connectFailed, "\(place): \(error)")
        }
    }

    /// Where a proxy is, is the operator's business.
    private func unreachable(_ code: AttemptFailure.Code, _ detail: String) -> AttemptFailure {
        switch destination.hop {
        case .receiver: AttemptFailure(code, detail)
        case .proxy: AttemptFailure(.proxyFailed, "the proxy cannot be reached")
        }
    }
}
