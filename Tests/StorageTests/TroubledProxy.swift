import Foundation
import Synchronization
import TestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A TCP proxy before the tests' PostgreSQL, which can stop passing anything on without closing a connection.
final class TroubledProxy: Sendable {
    /// What becomes of the bytes.
    enum Mode: Sendable, Equatable {
        case passing
        /// Nothing is passed on, in either direction.
        case silent
        /// So many bytes of answers are passed on, then nothing.
        case silentAfter(Int)
        /// One byte of the answers every 100 ms.
        case dripping
        /// All is passed on until somebody commits; that the server gets, and nobody hears of it.
        case silentAfterCommit
    }

    private struct State {
        var mode = Mode.passing
        var isOver = false
        var accepted = 0
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let target: String
    /// Where it listens, on 127.0.0.1.
    let port: Int

    /// - Parameter target: The folder with the socket of PostgreSQL; nil for a server that takes connections and says nothing.
    /// - Throws: `CannotListen`.
    fileprivate init(before target: String?) throws {
        self.target = target.map { $0 + "/.s.PGSQL.5432" } ?? ""
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = bind(descriptor, pointer, length)
                _ = getsockname(descriptor, pointer, &length)
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    Int($0.pointee.sin_port.bigEndian)
                }
            }
        }
        guard listen(listener, 64) == 0 else { throw CannotListen() }
        Thread { self.accept() }.start()
    }

    /// How the bytes of all connections fare from now on.
    var mode: Mode {
        get { state.withLock(\.mode) }
        set { state.withLock { $0.mode = newValue } }
    }

    /// How many connections were made so far.
    var accepted: Int { state.withLock(\.accepted) }

    fileprivate func end() {
        state.withLock { $0.isOver = true }
    }

    private var isOver: Bool { state.withLock(\.isOver) }

    private func accept() {
        defer { close(listener) }
        while !isOver {
            guard Self.isReadable(listener) else { continue }
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { continue }
            state.withLock { $0.accepted += 1 }
            Thread { self.carry(client) }.start()
        }
    }

    private func carry(_ client: Int32) {
        defer { close(client) }
        if target.isEmpty {
            while !isOver { usleep(20_000) }
            return
        }
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(server) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(target.utf8)) }
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard isConnected else { return }
        while !isOver {
            guard mode != .silent, mode != .silentAfter(0) else {
                usleep(5_000)
                continue
            }
            if Self.isReadable(client), !passRequest(client, server) { return }
            if mode != .silent, Self.isReadable(server), !passAnswer(server, client) { return }
        }
    }

    private func passRequest(_ client: Int32, _ server: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(client, &bytes, bytes.count)
        guard count > 0 else { return false }
        // With the byte that ends it: BEGIN names READ COMMITTED.
        let isCommit = bytes.prefix(count).firstRange(of: Array("COMMIT\0".utf8)) != nil
        guard send(server, bytes, count, Int32(MSG_NOSIGNAL)) == count else { return false }
        state.withLock { if isCommit, $0.mode == .silentAfterCommit { $0.mode = .silent } }
        return true
    }

    private func passAnswer(_ server: Int32, _ client: Int32) -> Bool {
        var limit = 65_536
        switch mode {
        case .dripping:
            usleep(100_000)
            limit = 1
        case .silentAfter(let count): limit = min(limit, count)
        default: break
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = read(server, &bytes, limit)
        guard count > 0 else { return false }
        state.withLock { state in
            if case .silentAfter(let left) = state.mode { state.mode = .silentAfter(max(left - count, 0)) }
        }
        return send(client, bytes, count, Int32(MSG_NOSIGNAL)) == count
    }

    private struct CannotListen: Error {}

    private static func isReadable(_ descriptor: Int32) -> Bool {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waited, 1, 2) > 0
    }
}

/// Runs `body` with a proxy before an empty schema of the tests' PostgreSQL, and the URL that leads through it.
func withTroubledProxy<Value>(_ body: (TroubledProxy, String) async throws -> Value) async throws -> Value {
    try await withPostgresURL { url in
        // postgresql://postgres@/postgres?host=<folder>&options=...
        let parts = url.split(separator: "?host=", maxSplits: 1)
        let rest = parts[1].split(separator: "&", maxSplits: 1)
        let proxy = try TroubledProxy(before: String(rest[0]).replacing("%2F", with: "/"))
        defer { proxy.end() }
        return try await body(
            proxy,
            String(parts[0]).replacing("@/", with: "@127.0.0.1:\(proxy.port)/") + "?\(rest[1])&sslmode=disable")
    }
}

/// Runs `body` with the port of a server that takes connections and says nothing.
func withSilentServer<Value>(_ body: (Int) async throws -> Value) async throws -> Value {
    let proxy = try TroubledProxy(before: nil)
    defer { proxy.end() }
    return try await body(proxy.port)
}
