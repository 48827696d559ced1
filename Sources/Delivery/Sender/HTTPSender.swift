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
    private let group: MultiThreadedEventLoopGroup
    private let pool = ConnectionPool()
    private let sweeper: RepeatedTask

    /// Makes a sender; loads the system's trust roots, which takes some 20 ms.
    ///
    /// - Parameters:
    ///   - resolver: looks names up; the caller shuts it down.
    ///   - policy: judges every address at every attempt.
    ///   - additionalTrustRoots: authorities that are trusted beside the system's.
    ///   - group: the event loops; the shared ones by default.
    /// - Throws: ``NoTrustRoots`` when the system's authorities cannot be loaded.
    package convenience init(
        resolver: any AddressResolver, policy: AddressPolicy, additionalTrustRoots: [NIOSSLCertificate] = [],
        group: MultiThreadedEventLoopGroup = .singleton
    ) throws {
        self.init(
            resolver: resolver, policy: policy, tls: try Self.makeTLS(additionalTrustRoots: additionalTrustRoots),
            group: group)
    }

    /// Makes a sender around a TLS context, which many senders of a test share.
    init(
        resolver: any AddressResolver, policy: AddressPolicy, tls: NIOSSLContext,
        group: MultiThreadedEventLoopGroup = .singleton
    ) {
        self.tls = tls
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
    /// resolver and the trust roots.
    package func forOperator() -> HTTPSender {
        HTTPSender(resolver: resolver, policy: .operators, tls: tls, group: group)
    }

    /// Makes the TLS context: the system's trust roots, from TLS 1.2 on; ``CertificateIdentity`` checks the host.
    static func makeTLS(additionalTrustRoots: [NIOSSLCertificate]) throws(NoTrustRoots) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .noHostnameVerification
        configuration.additionalTrustRoots = [.certificates(additionalTrustRoots)]
        configuration.applicationProtocols = ["http/1.1"]
        // 250 ms: a receiver that never answers close_notify must not hold the socket for NIOSSL's five seconds.
        configuration.shutdownTimeout = .milliseconds(250)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw NoTrustRoots(description: "\(error)")
        }
    }

    package func send(_ request: WebhookRequest, within limit: Duration) async -> AttemptResult {
        let began = NIODeadline.now()
        var result = AttemptResult(outcome: .failure(AttemptFailure(.cancelled)))
        do throws(AttemptFailure) {
            guard !pool.isShutDown else { throw AttemptFailure(.cancelled, "the sender is shut down") }
            var buffer = ByteBufferAllocator().buffer(capacity: request.body.count + 1_024)
            try RequestHead.write(request, to: &buffer)
            let addresses = try await vettedAddresses(of: request, within: limit, phases: &result.phases)
            let connection = pool.take(PoolKey(request), to: addresses)
            let exchange = Exchange(
                loop: connection?.eventLoop ?? group.next(), request: buffer,
                destination: Destination(
                    addresses: DialOrder.addresses(of: addresses, at: request.turn), port: request.url.port,
                    tls: request.url.isTLS ? tls : nil,
                    host: request.url.host, isNamed: request.url.literal == nil),
                key: PoolKey(request), pool: pool, deadline: began + TimeAmount(limit), result: result)
            result = await exchange.run(reusing: connection)
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
