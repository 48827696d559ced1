import Foundation
import NIOCore
import NIOPosix
import ServiceLifecycle
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// Tells systemd how the server is (sd_notify(3)): that it listens, that it is alive, and that it stops.
///
/// A sign of life is sent only after every event loop, the cooperative pool and the store have answered, be it with an
/// error; where one of them hangs, none follows, and systemd starts the server again after `WatchdogSec`. Does nothing
/// where the environment does not name a socket.
struct ServiceManager: Service {
    private let socket: String?
    private let interval: Duration?
    private let address: ListeningAddress
    private let store: any Store

    /// - Parameters:
    ///   - environment: What systemd has set: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    ///   - address: Says when the server listens.
    ///   - store: What must answer.
    init(environment: [String: String], address: ListeningAddress, store: any Store) {
        socket = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let isForUs = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { min(max($0, 0), Self.longestInterval) }
        // Twice as often as it is asked for, as sd_watchdog_enabled(3) recommends.
        interval = limit.flatMap { isForUs && $0 > 0 ? .microseconds($0 / 2) : nil }
        self.address = address
        self.store = store
    }

    func run() async throws {
        guard let socket else {
            // Cancelled or shutting down: both end the waiting.
            try? await gracefulShutdown()
            return
        }
        // After a stop without having listened there is nothing to tell.
        if await address.baseURL() != nil { Self.send("READY=1", to: socket) }
        await withTaskGroup(of: Void.self) { group in
            if let interval {
                group.addTask {
                    while !Task.isCancelled {
                        await everythingAnswers()
                        Self.send("WATCHDOG=1", to: socket)
                        // Ends early when the task is cancelled, which ends the loop.
                        try? await Task.sleep(for: interval)
                    }
                }
            }
            // Cancelled or shutting down: both end the waiting.
            try? await gracefulShutdown()
            Self.send("STOPPING=1", to: socket)
            group.cancelAll()
        }
    }

    private func everythingAnswers() async {
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
            // A loop that is shut down also answers.
            try? await loop.submit {}.get()
        }
        // A write, as a store that has no doubts is ready without one, however long its writer hangs.
        _ = try? await store.write(.engine) { _ in }
    }

    /// Sends one datagram; a manager that does not listen is not our trouble.
    static func send(_ state: String, to path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        let isAbstract = name.first == UInt8(ascii: "@")
        if isAbstract { name[0] = 0 }
        let start = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
        guard name.count < MemoryLayout<sockaddr_un>.size - start else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(start + name.count + (isAbstract ? 0 : 1))
        #if canImport(Glibc)
            let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #else
            let descriptor = Foundation.socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(state.utf8)
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // MSG_DONTWAIT: a manager that does not read must not hold the server up.
                _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT), $0, length)
            }
        }
    }

    /// An hour: longer intervals are not watchdogs.
    private static let longestInterval: Int64 = 3_600_000_000
}
