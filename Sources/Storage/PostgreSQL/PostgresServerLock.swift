import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// The right to be the only server of a PostgreSQL database: an advisory lock, held by a connection of its own.
///
/// The lock goes with its connection. When that breaks, the lock is taken again; a server that meets another one then ends.
/// What it had in hand is refused by the leases, so nothing is stored twice.
package final class PostgresServerLock: Service {
    private let url: String
    private let logger: Logger
    private let connection: Mutex<PostgresConnection?>

    /// Any number does that no other program uses. Stores in different schemas do not meet.
    private static let query = "SELECT pg_try_advisory_lock(7473652, hashtext(current_schema())) AS value"

    /// Takes the lock.
    ///
    /// - Throws: `StorageError.unavailable` when another server has it, or PostgreSQL is not there.
    package static func take(url: String, logger: Logger) async throws -> PostgresServerLock {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            do {
                let connection = try await onThread { try lock(url) }
                return PostgresServerLock(url: url, logger: logger, connection: connection)
            } catch let error as TakenByAnother {
                // PostgreSQL may take a moment to see that a server that was killed is gone.
                guard ContinuousClock.now < deadline else { throw StorageError.unavailable("\(error)") }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private init(url: String, logger: Logger, connection: PostgresConnection) {
        self.url = url
        self.logger = logger
        self.connection = Mutex(connection)
    }

    /// Looks every second whether the lock is still held, until graceful shutdown.
    ///
    /// - Throws: `StorageError.unavailable` when another server took it.
    package func run() async throws {
        try await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))  // Cancelled at shutdown, which ends the loop.
                if Task.isCancelled { break }
                try await Self.onThread { [self] in try keep() }
            }
        }
        connection.withLock { $0 = nil }
    }

    private func keep() throws {
        let held = connection.withLock { $0 }
        if let held, held.isAlive, (try? held.execute("SELECT 1")) != nil { return }
        connection.withLock { $0 = nil }
        do {
            let renewed = try Self.lock(url)
            connection.withLock { $0 = renewed }
            logger.warning("the connection that held the server's lock broke; it was taken again")
        } catch let error as TakenByAnother {
            throw StorageError.unavailable("\(error)")
        } catch {
            // PostgreSQL is away, for others as well. The next look decides.
            logger.debug("the server's lock could not be taken again", metadata: ["error": "\(error)"])
        }
    }

    private struct TakenByAnother: Error, CustomStringConvertible {
        let description = """
            Another server uses this PostgreSQL database. Stop it first, or give this server another database: this version \
            runs one server on a database.
            """
    }

    private static func lock(_ url: String) throws -> PostgresConnection {
        do {
            let connection = try PostgresConnection(url: url)
            let rows = try connection.run(SQL(stringLiteral: query), dialect: .postgresql).rows()
            guard let isOurs: Bool = try rows.first?.find("value") else {
                throw StorageError.unavailable(
                    "PostgreSQL: the search_path of DATABASE_URL names no schema that exists")
            }
            guard isOurs else { throw TakenByAnother() }
            return connection
        } catch let failure as PostgresFailure {
            throw failure.storageError
        }
    }

    private static func onThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try work() }) }
        }
    }
}
