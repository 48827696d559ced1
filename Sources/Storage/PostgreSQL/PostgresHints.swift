import CLibPQ
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Timestamps

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Carries hints between the processes that share a database, by `LISTEN` and `NOTIFY` on a connection of its own.
///
/// A hint is told after the commit that gave it and never inside of it: PostgreSQL lets commits that notify queue behind one
/// lock (8 clients: 3,300 instead of 8,260 transactions a second). At most one message in 20 ms leaves a process. What is
/// lost with a connection is found by the looks at the store, once a second.
package final class PostgresHints: Service {
    private let servers: PostgresServers
    private let wakeups: Wakeups
    private let logger: Logger
    private let isEnding = Mutex(false)
    /// A byte in it ends the wait of the thread: there is something to tell, or the end has come.
    private let bell: (reader: Int32, writer: Int32)

    private static let shortestInterval: Duration = .milliseconds(20)
    private static let retryInterval: Duration = .seconds(1)
    /// How long nothing is heard before the server is asked whether it is still there: a proxy or a firewall in between may
    /// have forgotten the connection, and says nothing either.
    private static let silence: Duration = .seconds(10)
    /// What a live server answers at once.
    private static let answerLimit: Duration = .seconds(5)

    /// - Parameters:
    ///   - url: What libpq connects to, without a pooler in between that shares connections by transaction.
    ///   - wakeups: Where hints are taken from and given to.
    ///   - logger: Told when no hints can be had, and when they can be again.
    package init(url: String, wakeups: Wakeups, logger: Logger) {
        servers = PostgresServers(url: url)
        self.wakeups = wakeups
        self.logger = logger
        var ends: [Int32] = [-1, -1]
        // Without the pipe hints wait for the next look at the connection, half a second.
        if pipe(&ends) == 0 { for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) } }
        bell = (ends[0], ends[1])
    }

    deinit {
        close(bell.reader)
        close(bell.writer)
    }

    /// Carries hints until graceful shutdown or cancellation.
    package func run() async throws {
        wakeups.setMessenger { [weak self] in self?.ring() }
        await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread { [self] in
                    carry()
                    continuation.resume()
                }
                thread.name = "hints"
                thread.start()
            }
        } onCancelOrGracefulShutdown: { [self] in
            isEnding.withLock { $0 = true }
            servers.end(within: .zero)
            ring()
        }
        wakeups.setMessenger(nil)
    }

    private func ring() {
        var byte: UInt8 = 1
        // A full pipe has rung already.
        _ = write(bell.writer, &byte, 1)
    }

    /// The thread: one connection after the other.
    private func carry() {
        var isFailing = false
        while !isEnding.withLock(\.self) {
            do throws(PostgresFailure) {
                let connection = try PostgresConnection(
                    to: servers, patience: .init(answer: Self.answerLimit))
                let channel = try connection.listen()
                if isFailing { logger.info("hints from other nodes are back") }
                isFailing = false
                // What was told while nobody listened.
                for topic in [Wakeups.Topic.events, .deliveries] { wakeups.signal(topic) }
                try carry(on: connection, channel)
            } catch {
                if !isFailing { logger.warning("no hints from other nodes", metadata: ["error": "\(error.message)"]) }
                isFailing = true
                _ = wait(for: bell.reader, and: nil, atMost: Self.retryInterval)
            }
        }
    }

    private func carry(on connection: PostgresConnection, _ channel: String) throws(PostgresFailure) {
        var nextMessage = ContinuousClock.now
        var nextCall = ContinuousClock.now + Self.silence
        while !isEnding.withLock(\.self) {
            for payload in try connection.takeNotifications() { receive(payload) }
            let pause = ContinuousClock.now.duration(to: nextMessage)
            if pause <= .zero {
                let hints = wakeups.takeShared()
                if !hints.isEmpty {
                    try connection.notify(channel, Self.encode(hints))
                    nextMessage = .now + Self.shortestInterval
                    nextCall = .now + Self.silence
                }
            }
            if nextCall <= .now {
                try connection.execute("SELECT 1")
                nextCall = .now + Self.silence
            }
            // In a pause the bell is not heard: what rings waits for the next message anyway.
            let bell: Int32? = pause > .zero ? nil : self.bell.reader
            _ = wait(for: bell, and: connection.socket, atMost: pause > .zero ? pause : .milliseconds(500))
        }
    }

    /// Waits until one of the two has something to read, and silences the bell.
    private func wait(for bell: Int32?, and socket: Int32?, atMost limit: Duration) -> Bool {
        var waited = [bell, socket].compactMap(\.self).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = poll(&waited, nfds_t(waited.count), Int32(clamping: max(limit.milliseconds, 1)))
        if let bell {
            var bytes = [UInt8](repeating: 0, count: 64)
            while read(bell, &bytes, bytes.count) == bytes.count {}
        }
        return count > 0
    }

    /// One hint a line; at most 100 of them, far below the 8,000 bytes that a payload may have.
    private static func encode(_ hints: Set<Wakeups.Hint>) -> String {
        hints.map { "\($0.topic.rawValue) \($0.key ?? "")" }.joined(separator: "\n")
    }

    private func receive(_ payload: String) {
        for line in payload.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            // A newer version may know topics that this one does not.
            guard let name = parts.first, let topic = Wakeups.Topic(rawValue: String(name)) else { continue }
            if parts.count == 2 {
                wakeups.signal(topic, key: String(parts[1]))
            } else {
                wakeups.signal(topic)
            }
        }
    }
}

extension PostgresConnection {
    /// The socket, for waiting.
    fileprivate var socket: Int32 { PQsocket(handle) }

    /// Listens to the hints of the schema that is in use, and gives the name of their channel.
    fileprivate func listen() throws(PostgresFailure) -> String {
        let name: String?
        do {
            name = try run("SELECT 'httpsms_' || hashtext(current_schema()) AS value", dialect: .postgresql).rows()
                .first?
                .find("value")
        } catch let failure as PostgresFailure {
            throw failure
        } catch {
            name = nil
        }
        let channel = name ?? "httpsms"
        try execute("LISTEN \"\(channel)\"")
        return channel
    }

    fileprivate func notify(_ channel: String, _ payload: String) throws(PostgresFailure) {
        _ = try run("SELECT pg_notify(\(channel), \(payload))", dialect: .postgresql)
    }

    /// What other connections have told since the last call.
    fileprivate func takeNotifications() throws(PostgresFailure) -> [String] {
        guard PQconsumeInput(handle) == 1 else { throw lost("") }
        var payloads: [String] = []
        let ownID = PQbackendPID(handle)
        while let notification = PQnotifies(handle) {
            defer { PQfreemem(notification) }
            if notification.pointee.be_pid == ownID { continue }
            payloads.append(String(cString: notification.pointee.extra))
        }
        return payloads
    }
}
