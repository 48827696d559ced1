import NIOCore
import NIOPosix
import NIOSSL

/// Posts webhooks over HTTP/1.1 with a client of our own on SwiftNIO.
///
/// A general client resolves names by itself, follows redirects, decodes bodies and judges a response by its last
/// byte; delivery needs the opposite of each. Here every address is judged by the policy at every dial and only judged
/// addresses are dialled, one deadline spans the whole attempt, and the outcome is the status line. Thread-safe.
///
///     let sender = try HTTPSender(resolver: try SystemResolver(), policy: AddressPolicy())
///     let result = await sender.send(request, within: .seconds(5))
package final class HTTPSender: WebhookSender {
    private let resolver: any AddressResolver
    private let policy: AddressPolicy
    private let tls: NIOSSLContext
    private let contexts: TrustContexts
    private let roots: SystemTrust
    /// What requests leave through; nil for none.
    private let proxy: EgressProxy?
    private let group: MultiThreadedEventLoopGroup
    private let pool = ConnectionPool()
    private let sweeper: RepeatedTask

    /// Makes a sender; loads the trust roots, which takes some 20 ms.
    ///
    /// - Parameters:
    ///   - resolver: looks names up; the caller shuts it down.
    ///   - policy: judges every address at every attempt.
    ///   - roots: whom it trusts where a request says nothing.
    ///   - proxy: what requests leave through; nil for none.
    ///   - group: the event loops; the shared ones by default.
    /// - Throws: ``NoTrustRoots`` when the authorities cannot be loaded.
    package convenience init(
        resolver: any AddressResolver, policy: AddressPolicy, roots: SystemTrust = SystemTrust(roots: nil, more: []),
        proxy: EgressProxy? = nil, group: MultiThreadedEventLoopGroup = .singleton
    ) throws {
        self.init(
            resolver: resolver, policy: policy, tls: try Self.makeTLS(roots), roots: roots, proxy: proxy, group: group)
    }

    /// Makes a sender around a TLS context, which many senders of a test share.
    init(
        resolver: any AddressResolver, policy: AddressPolicy, tls: NIOSSLContext,
        roots: SystemTrust = SystemTrust(roots: nil, more: []), proxy: EgressProxy? = nil,
        group: MultiThreadedEventLoopGroup = .singleton
    ) {
        self.tls = tls
        self.roots = roots
        contexts = TrustContexts(roots: roots)
        self.proxy = proxy
        self.resolver = resolver
        self.policy = policy
        self.group = group
        let interval = SenderLimits.sweepInterval
        sweeper = group.any().scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak pool] task in
            if let pool { pool.sweep() } else { task.cancel() }
        }
    }

    deinit {
        sweeper.cancel()
        pool.shutdown()
    }

    /// Makes a sender with connections of its own for servers that the operator names, such as Firebase; it shares the
    /// resolver and the trust roots, and goes through no proxy.
    package func forOperator() -> HTTPSender {
        HTTPSender(resolver: resolver, policy: .operators, tls: tls, roots: roots, group: group)
    }

    /// Makes the TLS context of `roots`.
    static func makeTLS(_ roots: SystemTrust) throws(NoTrustRoots) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: roots.configuration)
        } catch {
            throw NoTrustRoots(description: "\(error)")
        }
    }

    package func send(_ request: WebhookRequest, within limit: Duration) async -> AttemptResult {
        let began = NIODeadline.now()
        var result = AttemptResult(outcome: .failure(AttemptFailure(.cancelled)))
        do throws(AttemptFailure) {
            guard !pool.isShutDown else { throw AttemptFailure(.cancelled, "the sender is shut down") }
            let proxy = proxy.flatMap { $0.carries(request.url) ? $0 : nil }
            var buffer = ByteBufferAllocator().buffer(capacity: request.body.count + 1_024)
            try RequestHead.write(request, to: &buffer, through: proxy)
            let addresses = try await vettedAddresses(of: request, within: limit, phases: &result.phases)
            let context = request.url.isTLS ? try await context(for: request) : nil
            let destination = try await destination(
                of: request, at: DialOrder.addresses(of: addresses, at: request.turn), context, through: proxy,
                within: limit)
            let connection = pool.take(PoolKey(request), to: proxy == nil ? addresses : destination.addresses)
            let exchange = Exchange(
                loop: connection?.eventLoop ?? group.next(), request: buffer, destination: destination,
                key: PoolKey(request), pool: pool, deadline: began + TimeAmount(limit), result: result)
            result = await exchange.run(reusing: connection)
            // No receiver says so: it is the proxy that asks for other credentials.
            if proxy != nil, !request.url.isTLS, result.outcome == .response(statusCode: 407) {
                result.outcome = .failure(AttemptFailure(.proxyFailed, "the proxy asks for other credentials"))
            }
        } catch {
            result.outcome = .failure(error)
        }
        result.duration = Duration(NIODeadline.now() - began)
        return result
    }

    package func knowledge(of url: CallbackURL) -> NameKnowledge {
        url.literal == nil ? resolver.knowledge(of: url.host) : .addresses
    }

    package func prepare(for url: CallbackURL, _ caller: LookupCaller) async {
        guard url.literal == nil else { return }
        // The resolver remembers what it learned, a failure too.
        _ = try? await resolver.resolve(url.host, for: caller, within: AttemptRunner.timeLimit)
    }

    /// Closes idle connections and refuses new attempts; those under way end within their own deadlines, and their
    /// connections are not kept.
    package func shutdown() async {
        sweeper.cancel()
        pool.shutdown()
    }

    /// The number of connections that wait for reuse, for a gauge.
    package var idleConnectionCount: Int { pool.count }

    /// Where to dial: the receiver, or what leads to it.
    private func destination(
        of request: WebhookRequest, at addresses: [IPAddress], _ context: NIOSSLContext?,
        through proxy: EgressProxy?, within limit: Duration
    ) async throws(AttemptFailure) -> Destination {
        let url = request.url
        guard let proxy else {
            return Destination(
                addresses: addresses, port: url.port, tls: context, host: url.host, isNamed: url.literal == nil)
        }
        var hops = proxy.url.literal.map { [$0] } ?? []
        if hops.isEmpty {
            do throws(ResolutionError) {
                hops = try await resolver.resolve(proxy.url.host, for: .operated, within: limit)
            } catch .cancelled {
                throw AttemptFailure(.cancelled)
            } catch {
                throw AttemptFailure(.proxyFailed, "the name of the proxy has no address: \(error)")
            }
        }
        let tunnel = context == nil ? nil : addresses.first.map { proxy.connect(to: $0, port: url.port) }
        return Destination(
            addresses: hops, port: proxy.url.port, tls: context, host: url.host, isNamed: url.literal == nil,
            hop: .proxy(tunnel: tunnel))
    }

    private func context(for request: WebhookRequest) async throws(AttemptFailure) -> NIOSSLContext {
        guard request.trust != .system else { return tls }
        do {
            return try await contexts.context(of: request.trust, key: request.poolKey)
        } catch {
            throw AttemptFailure(.tlsFailed, "the certificates of the webhook itself cannot be used")
        }
    }

    private func vettedAddresses(
        of request: WebhookRequest, within limit: Duration, phases: inout AttemptPhases
    ) async throws(AttemptFailure) -> [IPAddress] {
        let url = request.url
        let policy = request.isPublicOnly ? policy.publicOnly : policy
        let addresses: [IPAddress]
        if let literal = url.literal {
            addresses = [literal]
        } else {
            let began = NIODeadline.now()
            do throws(ResolutionError) {
                addresses = try await resolver.resolve(url.host, for: request.caller, within: limit)
            } catch {
                throw AttemptFailure(lookup: error)
            }
            phases.dns = Duration(NIODeadline.now() - began)
        }
        for address in addresses {
            do throws(BlockedAddress) {
                try policy.check(address, for: url)
            } catch {
                // One blocked address among public ones is no accident: the whole answer is refused. The next may be better.
                if url.literal == nil { resolver.distrust(url.host) }
                throw AttemptFailure(.addressBlocked, error.description, isFinal: url.literal != nil)
            }
        }
        guard !addresses.isEmpty else { throw AttemptFailure(.dnsFailed, ResolutionError.notFound.description) }
        return addresses
    }
}

extension AttemptFailure {
    /// The failure of an attempt whose name did not resolve.
    init(lookup error: ResolutionError) {
        switch error {
        case .timedOut: self.init(.dnsTimeout, error.description)
        // What was not looked up says nothing of the receiver: no attempt was made.
        case .cancelled, .unavailable: self.init(.cancelled, error.description)
        case .notFound, .failed: self.init(.dnsFailed, error.description)
        }
    }
}

/// The certificates of the authorities that vouch for receivers cannot be loaded: without them no https webhook could be
/// told from an impostor.
package struct NoTrustRoots: Error, CustomStringConvertible {
    private let reason: String

    init(description reason: String) {
        self.reason = reason
    }

    package var description: String {
        """
        the system's certificate authorities cannot be loaded (\(reason)): install them, on Debian with \
        apt-get install ca-certificates
        """
    }
}
