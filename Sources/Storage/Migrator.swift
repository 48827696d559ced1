import Logging

extension Store {
    /// Applies those of `migrations` that the store does not have yet, in their order, each in its own transaction.
    ///
    /// Several processes may do it at once: each step is decided again in the transaction that applies it, and one
    /// process at a time has the lock. A store that a newer version migrated can be used as long as its steps only added.
    ///
    /// - Parameters:
    ///   - migrations: All there are; each id once.
    ///   - patience: How long a step that other transactions keep from its table is tried again.
    ///   - logger: Hears of steps of a newer version, and of what has to wait.
    /// - Returns: The ids of the steps applied by this call, in order; empty when there was nothing to do.
    /// - Throws: `StorageError`: `corrupt` when an applied migration has another text than here, or a newer version
    ///   changed the store in a way that this one cannot work with; `unavailable` when patience ended.
    package func migrate(
        _ migrations: [Migration], patience: Duration = .seconds(300),
        logger: Logger = Logger(label: "httpsms.storage")
    ) async throws -> [String] {
        let steps = migrations.flatMap(\.steps)
        let migrator = Migrator(store: self, patience: patience, logger: logger)
        let recorded = try await read { try AppliedStep.all(in: $0) }
        try migrator.check(recorded, against: steps)
        let known = Set(recorded.map(\.id))
        let missing = steps.filter { !known.contains($0.id) }
        // A store that is up to date is only read, so that a server starts while another one migrates further.
        guard !missing.isEmpty else { return [] }
        try await migrator.alone("schema_migration") { try AppliedStep.prepareTable(in: $0) }
        var applied: [String] = []
        for step in missing {
            let isNew = try await migrator.alone(step.id) { try AppliedStep.apply(step, in: $0) }
            if isNew { applied.append(step.id) }
        }
        return applied
    }
}

/// Runs steps one at a time, and again when others were in the way.
private struct Migrator {
    let store: any Store
    let patience: Duration
    let logger: Logger

    /// Longer than any index takes to build on the tables this is meant for: ten minutes for 100 million rows.
    private static let longestTurn = Duration.seconds(3_600)
    private static let longestPause = Duration.seconds(5)

    private enum Obstacle: Error {
        /// Another process migrates.
        case anotherMigrator
        /// A transaction holds a table that the step needs, or the store was not there.
        case unavailable(String)
    }

    func check(_ recorded: [AppliedStep], against steps: [MigrationStep]) throws {
        let known = Dictionary(steps.map { ($0.id, $0.checksum) }, uniquingKeysWith: { $1 })
        for step in recorded {
            guard let checksum = known[step.id] else {
                if step.isAdditive {
                    logger.warning(
                        "the store has a migration of a newer version, which only added to it",
                        metadata: ["migration": "\(step.id)"])
                    continue
                }
                throw StorageError.corrupt(
                    """
                    The database holds the migration \(step.id), which this version of httpsms does not know and cannot \
                    work with: a newer version made it. Start that version, or restore a backup from before.
                    """)
            }
            guard step.checksum == checksum else {
                throw StorageError.corrupt(
                    """
                    The migration \(step.id) was applied with another text than this version of httpsms has. Start the \
                    version that applied it; a released migration must never be edited.
                    """)
            }
        }
    }

    /// Runs `body` in a transaction that has the lock of migrations, once it can be had.
    ///
    /// It is asked for again and again, not queued for: who waits inside a statement would hold up the index that the
    /// other one builds, which waits for all statements to end.
    func alone<T: Sendable>(
        _ id: String, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        let start = ContinuousClock.now
        var pause = Duration.milliseconds(100)
        while true {
            do {
                return try await store.write(.maintenance) { tx in
                    guard let isAlone: Bool = try tx.value("\(.migrationLock)") else {
                        throw StorageError.statement(
                            """
                            There is no schema to make tables in: the search_path of the database or of the role names \
                            none that exists and is permanent. Reset it, or make the schema.
                            """)
                    }
                    guard isAlone else { throw Obstacle.anotherMigrator }
                    do {
                        return try body(tx)
                    } catch StorageError.unavailable(let reason) {
                        throw Obstacle.unavailable(reason)
                    }
                }
            } catch Obstacle.anotherMigrator {
                guard .now - start < Self.longestTurn else {
                    throw StorageError.unavailable(
                        "Another process has been migrating the store for an hour. Look what it waits for, or stop it.")
                }
                logger.debug("another process migrates the store", metadata: ["migration": "\(id)"])
            } catch Obstacle.unavailable(let reason) {
                guard .now - start < patience else {
                    throw StorageError.unavailable(
                        """
                        The migration \(id) could not be applied: \(reason). When a transaction holds the table \
                        (pg_stat_activity shows it), end it and start again; nothing is left half done.
                        """)
                }
                logger.warning(
                    "a migration has to wait and is tried again",
                    metadata: ["migration": "\(id)", "reason": "\(reason)"])
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }
}
