import Foundation
import Logging
import NIOCore
import Synchronization

/// Where the server listens, which is known only once it does.
final class ListeningAddress: Sendable {
    private struct State {
        var baseURL: String?
        var isStopped = false
        var waiters: [CheckedContinuation<String?, Never>] = []
    }

    private let state = Mutex(State())
    private let configuredURL: String?

    private let scheme: String
    private let host: String
    private let port: Int

    /// - Parameters:
    ///   - scheme: `http` or `https`.
    ///   - host: The configured HTTP_HOST.
    ///   - port: The configured HTTP_PORT, 0 for a free one.
    ///   - appURL: The configured APP_URL; nil stands for the address itself.
    init(scheme: String, host: String, port: Int, appURL: String?) {
        self.host = host
        self.port = port
        configuredURL = appURL
        self.scheme = scheme
    }

    /// What URLs that we hand out begin with: APP_URL, what a trusted proxy says of the request (`told`), or the address.
    func appURL(told: String?) -> String {
        configuredURL ?? told ?? state.withLock { $0.baseURL } ?? ""
    }

    /// The URL of the listening address, once there is one; nil when the server stopped before.
    func baseURL() async -> String? {
        await withCheckedContinuation { continuation in
            let known: String?? = state.withLock { state in
                if let url = state.baseURL { return .some(url) }
                if state.isStopped { return .some(nil) }
                state.waiters.append(continuation)
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// Notes the address that the server is bound to.
    func listening(on address: SocketAddress?, logger: Logger) {
        let url = Self.url(scheme, address?.ipAddress ?? "", address?.port ?? 0)
        logger.info("server is listening", metadata: ["url": "\(url)"])
        finish(with: url)
    }

    /// Where this machine reaches what listens at `host`; what listens everywhere it reaches at 127.0.0.1.
    static func url(_ scheme: String, _ host: String, _ port: Int) -> String {
        let name = ["", "0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
        return "\(scheme)://\(name):\(port)"
    }

    /// Says that the server does not listen any more.
    func stop() {
        finish(with: nil)
    }

    /// Puts into words for the operator why the server cannot listen; gives any other error back as it is.
    func explain(_ error: any Error) -> any Error {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE:
            ListeningError(
                description: """
                    another program listens on port \(port) of \(host): stop it, or set HTTP_PORT to another port
                    """)
        case let error as IOError:
            ListeningError(
                description: """
                    cannot listen on port \(port) of \(host) (\(String(cString: strerror(error.errnoCode)))): set \
                    HTTP_HOST and HTTP_PORT to an address of this machine and a port that may be used
                    """)
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            ListeningError(description: "HTTP_HOST \(host) has no address: set it to one of this machine")
        default: error
        }
    }

    private func finish(with url: String?) {
        let waiters = state.withLock { state in
            if let url { state.baseURL = url } else { state.isStopped = true }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: url) }
    }
}

/// Why the server does not listen, in words for the operator.
struct ListeningError: Error, CustomStringConvertible {
    let description: String
}
