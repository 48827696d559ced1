import Delivery
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization
import Timestamps

/// The certificates that a server shows in its handshake, whatever they are worth.
struct PresentedChain: Sendable {
    let certificates: [NIOSSLCertificate]
    /// Whether they lead to an authority that is trusted, and are valid now.
    let isTrusted: Bool

    /// Shakes hands twice: once to see, once to judge.
    ///
    /// - Throws: When there is no handshake at all.
    static func of(
        _ host: String, port: Int, trusting authority: [NIOSSLCertificate], publicRoots: Bool
    ) async throws -> PresentedChain {
        let seen = Seen()
        var blind = TLSConfiguration.makeClientConfiguration()
        blind.certificateVerification = .noHostnameVerification
        try await shake(host, port, blind) { certificates, verdict in
            seen.certificates.withLock { $0 = certificates }
            verdict.succeed(.certificateVerified)
        }
        var strict = TLSConfiguration.makeClientConfiguration()
        strict.minimumTLSVersion = .tlsv12
        strict.certificateVerification = .noHostnameVerification
        if publicRoots {
            strict.additionalTrustRoots = [.certificates(authority)]
        } else {
            strict.trustRoots = .certificates(authority)
        }
        let isTrusted: Bool
        do {
            try await shake(host, port, strict, judging: nil)
            isTrusted = true
        } catch {
            isTrusted = false
        }
        return PresentedChain(certificates: seen.certificates.withLock { $0 }, isTrusted: isTrusted)
    }

    private final class Seen: Sendable {
        let certificates = Mutex<[NIOSSLCertificate]>([])
    }

    private typealias Judge = @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResult>) -> Void

    private static func shake(
        _ host: String, _ port: Int, _ configuration: TLSConfiguration, judging judge: Judge?
    ) async throws {
        let context = try NIOSSLContext(configuration: configuration)
        // An address is not a name to be asked for.
        let name = IPAddress(host) == nil ? host : nil
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(PhoneCheck.patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls =
                        try judge.map {
                            try NIOSSLClientHandler(
                                context: context, serverHostname: name, customVerificationCallback: $0)
                        } ?? NIOSSLClientHandler(context: context, serverHostname: name)
                    let end = HandshakeEnd(channel.eventLoop.makePromise(of: Void.self))
                    try channel.pipeline.syncOperations.addHandlers([tls, end])
                }
            }
        let channel = try await bootstrap.connect(host: host, port: port).get()
        let done = channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: HandshakeEnd.self).promise.futureResult
        }
        do {
            try await done.flatMap { $0 }.get()
        } catch {
            try? await channel.close()  // It may be closed.
            throw error
        }
        try? await channel.close()  // The server may have been faster.
    }
}

/// Tells how a handshake ends.
private final class HandshakeEnd: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    let promise: EventLoopPromise<Void>
    private var timeout: Scheduled<Void>?

    init(_ promise: EventLoopPromise<Void>) {
        self.promise = promise
    }

    private struct Unfinished: Error {}

    func handlerAdded(context: ChannelHandlerContext) {
        let promise = promise
        timeout = context.eventLoop.scheduleTask(in: PhoneCheck.patience) { promise.fail(Unfinished()) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { end(.success(())) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(.failure(error)) }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(Unfinished()))
        context.fireChannelInactive()
    }

    private func end(_ result: Result<Void, any Error>) {
        timeout?.cancel()
        promise.completeWith(result)
    }
}

/// Whom a certificate is for and who signed it, as DER: enough to see whether one is missing between two.
struct CertificateNames: Hashable, Sendable {
    let issuer: [UInt8]
    let subject: [UInt8]

    var isSelfSigned: Bool { issuer == subject }

    /// Reads a certificate (RFC 5280, 4.1): version, serial number and algorithm, issuer, validity, subject.
    init?(_ certificate: [UInt8]) {
        guard let whole = Self.element(certificate[...]), let body = Self.element(whole.content) else { return nil }
        var rest = body.content
        var elements: [ArraySlice<UInt8>] = []
        while elements.count < 7, let next = Self.element(rest) {
            elements.append(rest[rest.startIndex..<next.content.endIndex])
            rest = rest[next.content.endIndex...]
        }
        // The version is left out by certificates of the first.
        let first = elements.first?.first == 0xA0 ? 1 : 0
        guard elements.count > first + 4 else { return nil }
        issuer = Array(elements[first + 2])
        subject = Array(elements[first + 4])
    }

    private static func element(_ bytes: ArraySlice<UInt8>) -> (tag: UInt8, content: ArraySlice<UInt8>)? {
        guard bytes.count >= 2, let tag = bytes.first else { return nil }
        var position = bytes.startIndex + 2
        var length = Int(bytes[bytes.startIndex + 1])
        if length >= 0x80 {
            let count = length - 0x80
            guard (1...4).contains(count), position + count <= bytes.endIndex else { return nil }
            length = bytes[position..<(position + count)].reduce(0) { $0 << 8 | Int($1) }
            position += count
        }
        guard length <= bytes.endIndex - position else { return nil }
        return (tag, bytes[position..<(position + length)])
    }
}

extension PhoneCheck {
    /// Whether Android trusts the certificate. Android fetches no certificate that is missing in between, and neither does this.
    func certificate() async -> [Finding] {
        let chain: PresentedChain
        do {
            chain = try await .of(address.host, port: address.port, trusting: authority, publicRoots: true)
        } catch {
            return [
                .problem(
                    "certificate",
                    "no TLS on port \(address.port) (\(error)): set up HTTPS there, with TLS 1.2 or later")
            ]
        }
        guard let leaf = chain.certificates.first else {
            return [.problem("certificate", "the server shows none: set up HTTPS there")]
        }
        let verdict = Self.judge(chain, leaf: leaf, host: address.host, now: Int(clock.now().seconds))
        guard verdict.level != .problem, !authority.isEmpty else { return [verdict] }
        return [verdict, await ownAuthority()]
    }

    static func judge(_ chain: PresentedChain, leaf: NIOSSLCertificate, host: String, now: Int) -> Finding {
        let days = (Int(leaf.notValidAfter).clampedSubtracting(now)) / 86_400
        if Int(leaf.notValidAfter) < now {
            return .problem("certificate", "it has expired: renew it, and see why that does not happen by itself")
        }
        if Int(leaf.notValidBefore) > now {
            return .problem("certificate", "it is not valid yet: set this machine's clock, or the one that made it")
        }
        guard CertificateIdentity.matches(leaf, host: host) else {
            return .problem("certificate", "it is for other names than \(host): get one for this name")
        }
        guard chain.isTrusted else { return untrusted(chain) }
        if days < 14 {
            return .warning("certificate", "it ends in \(days) days: see that it is renewed")
        }
        return .fine("certificate", "it is for \(host), its chain is complete, and it is valid for \(days) days")
    }

    private static func untrusted(_ chain: PresentedChain) -> Finding {
        let names = chain.certificates.compactMap { (try? $0.toDERBytes()).flatMap(CertificateNames.init) }
        if let leaf = names.first, leaf.isSelfSigned {
            return .problem(
                "certificate",
                "it is signed by itself: get one of Let's Encrypt, or make an authority of your own (docs/phones.md)")
        }
        let isBroken = zip(names, names.dropFirst()).contains { $0.issuer != $1.subject }
        if names.count == 1 || isBroken {
            return .problem(
                "certificate",
                "its chain is incomplete, or its authority is not public: have the server send the certificate with all that "
                    + "stand between it and the root (fullchain.pem)")
        }
        return .problem(
            "certificate",
            "its authority is not one that Android knows: get one of Let's Encrypt, or install the authority on the phone as "
                + "a user certificate and name it here with --cacert")
    }

    /// Whether it is trusted only where somebody installed the authority.
    private func ownAuthority() async -> Finding {
        let alone = try? await PresentedChain.of(address.host, port: address.port, trusting: [], publicRoots: true)
        if alone?.isTrusted == true { return .fine("authority", "Android knows it; --cacert is not needed") }
        return .warning(
            "authority",
            "only phones that have your authority trust it: Settings > Security > Install a certificate > CA certificate"
        )
    }
}
