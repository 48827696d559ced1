import NIOCore
import Synchronization

/// The idle connections of a sender, swept on an event loop. Thread-safe.
final class ConnectionPool: Sendable {
    private struct State {
        var idle = IdleConnections<Connection>()
        var isShutDown = false
    }

    private let state = Mutex(State())

    /// Takes a connection that was vetted addresses' own; nil when none is idle.
    func take(_ key: PoolKey, to addresses: [IPAddress]) -> Connection? {
        state.withLock { $0.idle.take(key, to: addresses, at: .now()) }
    }

    /// Keeps a connection for the next request or closes it. Called on the connection's event loop.
    func put(_ connection: Connection, _ key: PoolKey) {
        connection.rest { [weak self, unowned connection] isOutOfStep in
            self?.state.withLock { $0.idle.remove(connection, key) }
            if isOutOfStep { self?.distrust(key) }
        }
        let isKept = state.withLock { state in
            !state.isShutDown
                && state.idle.put(
                    connection, key, address: connection.address, established: connection.established, at: .now())
        }
        if !isKept { connection.close() }
    }

    /// Keeps no connection under `key` for a while: its receiver sends bytes that belong to no answer.
    func distrust(_ key: PoolKey) {
        for connection in state.withLock({ $0.idle.distrust(key, at: .now()) }) { connection.closeSoon() }
    }

    /// Closes what is idle for too long or too old.
    func sweep() {
        for connection in state.withLock({ $0.idle.removeExpired(at: .now()) }) { connection.closeSoon() }
    }

    /// Closes every idle connection and keeps none from now on.
    func shutdown() {
        let connections = state.withLock { state in
            state.isShutDown = true
            return state.idle.removeAll()
        }
        for connection in connections { connection.closeSoon() }
    }

    /// The number of idle connections.
    var count: Int { state.withLock { $0.idle.count } }

    /// Whether ``shutdown()`` was called.
    var isShutDown: Bool { state.withLock { $0.isShutDown } }
}
