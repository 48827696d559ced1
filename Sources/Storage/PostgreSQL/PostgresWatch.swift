import Synchronization
import Timestamps

/// Says whether PostgreSQL can be written, by a connection of its own, which waits for nothing that hangs elsewhere.
final class PostgresWatch: Sendable {
    private struct Look {
        let time: ContinuousClock.Instant
        let finding: String?
    }

    private let pool: PostgresPool
    private let last = Mutex<Look?>(nil)

    /// What monitors and proxies wait for at least is 2 s.
    private static let limit = Duration.milliseconds(1_500)
    /// Anybody may ask, and each look costs the server a flush: four in a second are enough.
    private static let life = Duration.milliseconds(250)

    init(_ servers: PostgresServers) {
        pool = PostgresPool(to: servers, size: 1)
    }

    /// Nil when the store can be written, else why it cannot. Answers within 2 s.
    func readiness() async -> String? {
        if let last = last.withLock(\.self), last.time.duration(to: .now) < Self.life { return last.finding }
        let finding = await look()
        last.withLock { $0 = Look(time: .now, finding: finding) }
        return finding
    }

    func close() async throws {
        try await pool.close()
    }

    /// Writes to the log, durably and to the standbys that must have it: a server that is read-only, has no room, or waits
    /// for a standby would let us read.
    private func look() async -> String? {
        let end = ContinuousClock.now + Self.limit
        do {
            try await pool.run(within: Self.limit) { connection in
                connection.patience = .init(answer: nil, end: end)
                do throws(PostgresFailure) {
                    try connection.execute(
                        "BEGIN; SET LOCAL statement_timeout = '1s'; SELECT pg_logical_emit_message(true, 'httpsms', '')"
                    )
                    try connection.commit()
                } catch {
                    if error.isLost { throw PostgresPool.LostBeforeUse(failure: error) }
                    // Another server may be the primary by now; and inside a failed transaction it is of no use.
                    connection.isGivenUp = true
                    throw error.storageError
                }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }
}
