import GRDB
import Synchronization

/// Finds the statements of a connection again when GRDB hands it out.
final class ConnectionRegistry: Sendable {
    let onTrouble: @Sendable (SQLiteFailure) -> Void
    private let path: String
    private let wakeups: Wakeups
    private let unreadable: UnreadableRows
    private let connections = Mutex<[ObjectIdentifier: SQLiteConnection]>([:])

    /// `onTrouble` is called when an fsync failed on any of the connections, and when one finds the file damaged.
    init(
        path: String, wakeups: Wakeups, unreadable: UnreadableRows,
        onTrouble: @escaping @Sendable (SQLiteFailure) -> Void
    ) {
        self.path = path
        self.wakeups = wakeups
        self.unreadable = unreadable
        self.onTrouble = onTrouble
    }

    /// The connection of `database`; called on its queue.
    func connection(_ database: Database) throws -> SQLiteConnection {
        try connections.withLock { connections in
            let id = ObjectIdentifier(database)
            if let connection = connections[id] { return connection }
            let connection = try SQLiteConnection(
                database, path: path, wakeups: wakeups, unreadable: unreadable, onTrouble: onTrouble)
            connections[id] = connection
            return connection
        }
    }

    /// Ends the statements of all connections; called while none of them is in use.
    func finish() {
        connections.withLock { connections in
            for connection in connections.values { connection.finish() }
            connections = [:]
        }
    }
}
