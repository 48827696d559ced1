import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import Timestamps
import UnixSignals

/// Holds the certificate that new connections get, and reads it again when its files change or on SIGHUP.
///
/// A pair that cannot be used is logged as an error, and the one before stays.
final class CertificateWatch: Service {
    private struct State {
        var certificate: ServerCertificate
        /// What the files were like when they were read last, with success or without.
        var stamp: [CertificateFiles.Stamp?]
    }

    private let files: CertificateFiles
    private let clock: any WallClock
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads the files; blocks, so call it at start.
    ///
    /// - Throws: ``CertificateError``.
    init(_ files: CertificateFiles, clock: any WallClock, logger: Logger) throws(CertificateError) {
        let stamp = files.stamp
        let certificate = try files.load()
        self.files = files
        self.clock = clock
        self.logger = logger
        state = Mutex(State(certificate: certificate, stamp: stamp))
        tell(certificate)
    }

    /// Until when every certificate of the chain is valid.
    var validUntil: Timestamp { state.withLock { $0.certificate.validUntil } }

    /// For the server; each handshake asks for the certificate of the moment.
    var configuration: TLSConfiguration {
        var configuration = state.withLock { $0.certificate.configuration }
        configuration.sslContextCallback = { [self] _, promise in
            promise.succeed(state.withLock { $0.certificate.override })
        }
        return configuration
    }

    /// Watches until graceful shutdown.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.poll() }
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { await self.reload() }
                }
            }
        }
    }

    private func poll() async {
        var last: [CertificateFiles.Stamp?]?
        while !Task.isCancelled {
            let stamp = await Self.offPool { [files] in files.stamp }
            // The two files are written one after the other: they are read once they have been at rest for a poll.
            if let stamp, stamp == last, stamp != state.withLock({ $0.stamp }) { await reload() }
            last = stamp
            try? await Task.sleep(for: Self.interval)  // Cancelled at shutdown, which ends the loop.
        }
    }

    private func reload() async {
        let files = files
        let read: (stamp: [CertificateFiles.Stamp?], result: Result<ServerCertificate, CertificateError>)?
        read = await Self.offPool {
            let stamp = files.stamp
            return (stamp, Result { () throws(CertificateError) in try files.load() })
        }
        guard let read else { return }
        state.withLock { state in
            state.stamp = read.stamp
            if case .success(let certificate) = read.result { state.certificate = certificate }
        }
        switch read.result {
        case .success(let certificate): tell(certificate)
        case .failure(let error):
            logger.error("certificate not reloaded, the one before stays", metadata: ["error": "\(error)"])
        }
    }

    private func tell(_ certificate: ServerCertificate) {
        let metadata: Logger.Metadata = ["valid_until": "\(certificate.validUntil)"]
        switch certificate.validity(at: clock.now()) {
        case .valid: logger.info("certificate loaded", metadata: metadata)
        case .endsSoon: logger.warning("certificate loaded, which ends soon", metadata: metadata)
        case .expired: logger.error("certificate loaded, which has expired", metadata: metadata)
        case .notYet:
            logger.error(
                "certificate loaded, which is not valid yet", metadata: ["valid_from": "\(certificate.validFrom)"])
        }
    }

    /// Reads files on a thread that may block; nil when the process ends, or the task is cancelled: nobody waits then for a disk
    /// that does not answer.
    static func offPool<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        let outcome = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Value.self)
        NIOThreadPool.singleton.runIfActive(eventLoop: outcome.futureResult.eventLoop, body).cascade(to: outcome)
        return await withTaskCancellationHandler {
            // Without what was read there is nothing to do.
            try? await outcome.futureResult.get()
        } onCancel: {
            outcome.fail(CancellationError())
        }
    }

    /// 1 s: a new certificate is served after 2 s at most, and looking at two files costs microseconds.
    private static let interval: Duration = .seconds(1)
}
