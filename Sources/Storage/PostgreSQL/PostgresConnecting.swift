import CLibPQ
import Dispatch
import Foundation
import Synchronization
import Timestamps

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Makes a connection, on a thread of its own.
///
/// libpq looks names up, asks for tickets (GSSAPI) and reads files (`~/.pgpass`, certificates) while it connects, and none
/// of these has an end that we could set. So who connects waits for that thread until its own deadline and then leaves it;
/// a connection that is made afterwards is closed at once.
final class PostgresConnecting: @unchecked Sendable {
    /// A connection of libpq, which one thread hands to another.
    private struct Handle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    private enum State: Sendable {
        case running
        case done(Result<Handle, PostgresFailure>)
        case left
    }

    private let servers: PostgresServers
    private let deadline: ContinuousClock.Instant
    private let state = Mutex(State.running)
    private let isDone = DispatchSemaphore(value: 0)

    /// How often it is looked whether the store has ended meanwhile.
    private static let slice = Duration.milliseconds(100)
    /// What each address gets at least, however many there are: a handshake with TLS and SCRAM on a busy machine.
    private static let shortestTry = Duration.seconds(1)

    /// Connects to the first server that takes writes.
    ///
    /// - Parameters:
    ///   - servers: What to try.
    ///   - limit: How long in all. Each address gets its share of it, so that one that is silent keeps nobody from the next.
    /// - Returns: The connection, for the caller to finish.
    /// - Throws: ``PostgresFailure``.
    static func open(_ servers: PostgresServers, within limit: Duration) throws(PostgresFailure) -> OpaquePointer {
        if let refusal = PostgresAdvice.refusal(of: servers.url) { throw failure(refusal) }
        guard servers.mayConnect else {
            throw failure("connecting hangs, most likely in the name lookup. Look at the name server of this machine.")
        }
        let connecting = PostgresConnecting(servers, deadline: .now + limit)
        let thread = Thread { connecting.run() }
        thread.name = "connecting"
        thread.start()
        return try connecting.wait()
    }

    private init(_ servers: PostgresServers, deadline: ContinuousClock.Instant) {
        self.servers = servers
        self.deadline = deadline
    }

    private func wait() throws(PostgresFailure) -> OpaquePointer {
        var isOver = false
        while isDone.wait(timeout: .now() + .milliseconds(Int(Self.slice.milliseconds))) == .timedOut, !isOver {
            // Once more after the end: what came while this process stood still is taken.
            isOver = servers.end(before: deadline).map { $0 <= .now } ?? false
        }
        let result = state.withLock { state -> Result<Handle, PostgresFailure>? in
            if case .done(let result) = state { return result }
            state = .left
            servers.countHung(1)
            return nil
        }
        guard let result else {
            throw Self.failure("the server has not answered in time. Look at its host, and at the name server.")
        }
        return try result.get().pointer
    }

    /// The thread.
    private func run() {
        let result = connect()
        let isLeft = state.withLock { state in
            if case .left = state { return true }
            state = .done(result)
            return false
        }
        if isLeft {
            if case .success(let handle) = result { PQfinish(handle.pointer) }
            servers.countHung(-1)
        }
        isDone.signal()
    }

    private func connect() -> Result<Handle, PostgresFailure> {
        let targets = servers.ordered(servers.hosts().flatMap(PostgresServers.addresses(of:)))
        var messages: [String] = []
        for (index, target) in targets.enumerated() {
            let share = ContinuousClock.now.duration(to: deadline) / (targets.count - index)
            switch connect(to: target, until: .now + max(share, Self.shortestTry)) {
            case .success(let handle):
                servers.prefer(target)
                return .success(handle)
            case .failure(let message):
                messages.append(message.text)
            }
            if .now >= deadline { break }
        }
        return .failure(Self.failure(PostgresAdvice.explain(messages.joined(separator: "\n"), url: servers.url)))
    }

    private struct Message: Error {
        let text: String
    }

    private func connect(
        to target: PostgresServers.Target, until end: ContinuousClock.Instant
    ) -> Result<Handle, Message> {
        let all =
            [("target_session_attrs", "read-write"), ("dbname", servers.url)]
            + target.parameters.map { ($0.name, $0.value) } + [
                ("fallback_application_name", "httpsms"), ("client_encoding", "UTF8"), ("keepalives_idle", "30"),
                ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
            ]
        let keys = all.map { Array($0.0.utf8CString) }
        let values = all.map { Array($0.1.utf8CString) }
        let started = Self.withPointers(keys) { keys in
            Self.withPointers(values) { values in PQconnectStartParams(keys, values, 1) }
        }
        guard let handle = started else { return .failure(Message(text: "libpq has no memory")) }
        let problem = Self.finish(handle, until: end) ?? Self.unsuitableEncoding(handle)
        guard let problem else { return .success(Handle(pointer: handle)) }
        PQfinish(handle)
        return .failure(Message(text: problem))
    }

    /// Nil when the connection is made; else what is wrong.
    private static func finish(_ handle: OpaquePointer, until end: ContinuousClock.Instant) -> String? {
        guard PQstatus(handle) != CONNECTION_BAD else { return String(cString: PQerrorMessage(handle)) }
        var awaited = PGRES_POLLING_WRITING
        while awaited != PGRES_POLLING_OK {
            guard awaited != PGRES_POLLING_FAILED else { return String(cString: PQerrorMessage(handle)) }
            let left = ContinuousClock.now.duration(to: end)
            let events = awaited == PGRES_POLLING_READING ? POLLIN : POLLOUT
            var socket = pollfd(fd: PQsocket(handle), events: Int16(truncatingIfNeeded: events), revents: 0)
            let count = poll(&socket, 1, Int32(clamping: max(left, .zero).milliseconds))
            if count == 0 || left < .zero {
                let (host, port) = (PQhost(handle), PQport(handle))
                let name = host.map { String(cString: $0) } ?? ""
                return """
                    connection to server at "\(name)", port \(port.map { String(cString: $0) } ?? "") failed: timeout \
                    expired
                    """
            }
            if count > 0 { awaited = PQconnectPoll(handle) }
        }
        return nil
    }

    /// What is wrong with the encoding of the database, which has to hold whatever somebody writes in an SMS; nil when nothing is.
    private static func unsuitableEncoding(_ handle: OpaquePointer) -> String? {
        // Poolers pass it on.
        guard let status = PQparameterStatus(handle, "server_encoding") else { return nil }
        let encoding = String(cString: status)
        return encoding == "UTF8" ? nil : "the encoding of the database is \(encoding)"
    }

    private static func failure(_ message: String) -> PostgresFailure {
        PostgresFailure(sqlState: "", message: message, constraint: nil, sql: "", isLost: true)
    }

    private static func withPointers<T>(
        _ texts: [[CChar]], _ body: ([UnsafePointer<CChar>?]) -> T
    ) -> T {
        var offsets: [Int] = []
        var block: [CChar] = []
        for text in texts {
            offsets.append(block.count)
            block += text
        }
        return block.withUnsafeBufferPointer { buffer in
            body(offsets.map { buffer.baseAddress?.advanced(by: $0) } + [nil])
        }
    }
}
