import Delivery
import Foundation
import Gateway
import Logging
import Secrets
import Storage
import Timestamps

/// The store with everything that must hold before it is used: open, migrated, and under the right master key.
package struct GatewayStore: Sendable {
    /// Open and migrated.
    package let store: any Store
    /// Made of the key that the store was written under.
    package let keyring: Keyring

    /// Every table, in the order in which they are made.
    package static let migrations: [Migration] = DeliveryMigrations.all + Features.migrations

    /// Opens the store of `configuration`, makes and migrates it where needed, and checks the master key.
    ///
    /// A key is made only for a store that was never written under one.
    ///
    /// - Parameters:
    ///   - configuration: Which store, and its keys.
    ///   - activates: Whether a master key that is new to the store is used from now on; only a server says so.
    ///   - restores: Whether an unfinished restore is opened, by the restore itself.
    ///   - lock: What makes this process the only server of a SQLite store; nil for a command.
    ///   - clock: The clock of the store.
    ///   - logger: Told of migrations.
    /// - Returns: The open store with its keys.
    /// - Throws: `StorageError`, also when the place or the folder of attachments is another store's; `WrongMasterKey`,
    ///   ``MasterKeyFileError``.
    package static func open(
        _ configuration: GatewayConfiguration, activates: Bool = false, restores: Bool = false, lock: ServerLock? = nil,
        clock: any WallClock, logger: Logger
    ) async throws -> GatewayStore {
        let store = try await openUnmigrated(
            configuration, restores: restores, lock: lock, clock: clock, logger: logger)
        do {
            let applied = try await store.migrate(migrations, logger: logger)
            if !applied.isEmpty {
                logger.info("store migrated", metadata: ["migrations": "\(applied.joined(separator: ", "))"])
            }
            if lock != nil {
                let version = SQLiteVersion.loaded
                logger.info("store opened", metadata: ["sqlite": "\(version)", "note": "\(version.advice)"])
            }
            let keyring = try await keyring(configuration, of: store)
            let settled = try await store.write(.maintenance) { tx in
                try keyring.settled(activates: activates, in: tx)
            }
            if activates, let folder = configuration.filesFolder {
                try await AttachmentOwner(URL(fileURLWithPath: folder)).claim(in: store, logger: logger)
            }
            return GatewayStore(store: store, keyring: settled)
        } catch {
            // The store is given up; what brought us here matters more than how it closes.
            try? await store.close()
            throw error
        }
    }

    /// What a command uses of features while no server runs on them.
    ///
    /// - Throws: `StorageError`.
    package func ground() async throws -> Ground {
        try await Ground(
            store: store, keyring: keyring, settings: SettingValues(), clock: SystemClock(),
            logger: Logger(label: "httpsms"))
    }

    /// Opens the store of `configuration` as it is, unless it is an unfinished copy or restore.
    ///
    /// - Throws: `StorageError`.
    static func openUnmigrated(
        _ configuration: GatewayConfiguration, restores: Bool = false, lock: ServerLock? = nil,
        clock: any WallClock = SystemClock(), logger: Logger
    ) async throws -> any Store {
        if !restores { try StorePlace(configuration: configuration).check() }
        let store: any Store
        if let url = configuration.postgresURL {
            store = try await PostgresStore.open(url: url.exposed, clock: clock, pooler: configuration.pooler)
        } else {
            store = try await SQLiteStore.open(
                path: configuration.databasePath, lock: lock, clock: clock, logger: logger)
        }
        if restores { return store }
        do {
            if let command = try await store.read({ try StoreMoveQueries.unfinishedCommand(in: $0) }) {
                throw StorageError.unavailable(
                    "\(configuration.storeName) is an unfinished copy: run `\(command)` again, which goes on where it stopped"
                )
            }
            return store
        } catch {
            // The store is given up; what brought us here matters more than how it closes.
            try? await store.close()
            throw error
        }
    }

    /// The keys that are configured or in the key file; nil when there are none.
    ///
    /// - Throws: ``MasterKeyFileError``.
    static func knownKeyring(_ configuration: GatewayConfiguration) throws -> Keyring? {
        if let key = configuration.masterKey {
            return try Keyring(masterKey: key.exposed, other: configuration.previousMasterKey?.exposed)
        }
        let keys = try MasterKeyFile(databasePath: configuration.databasePath).read()
        return try keys.map { try Keyring(masterKey: $0[0], other: $0.dropFirst().first) }
    }

    private static func keyring(_ configuration: GatewayConfiguration, of store: any Store) async throws -> Keyring {
        if let keyring = try knownKeyring(configuration) { return keyring }
        let file = MasterKeyFile(databasePath: configuration.databasePath)
        let isInUse = try await store.read { tx in
            try !tx.rows("SELECT key_id FROM master_key_check ORDER BY key_id LIMIT 1").isEmpty
        }
        if isInUse {
            throw MasterKeyFileError(
                description: """
                    the store is encrypted, but there is no master key: set MASTER_KEY, or restore \(file.path) from your \
                    backup
                    """)
        }
        return try Keyring(masterKey: file.create())
    }
}
