import Foundation
import Gateway
import Storage

/// Whether a database may be opened where the configuration says, or made when there is none.
///
/// A new database beside what is left of another would hide the loss, and what belongs to the other would be taken for
/// rubbish. Files elsewhere, such as a key that `MASTER_KEY` was read from, are nobody's remains.
struct StorePlace {
    let configuration: GatewayConfiguration

    /// Is there from before anything is restored until all of it is, with the id that the store gets; SQLite only, as
    /// PostgreSQL is marked inside.
    var marker: StoreIDFile { StoreIDFile(configuration.databasePath + ".restoring") }

    /// Makes sure that nothing is in the way of a store; always so on PostgreSQL.
    ///
    /// - Throws: `StorageError.unavailable` with what is there and what to do.
    func check() throws {
        guard configuration.postgresURL == nil else { return }
        let path = configuration.databasePath
        if try marker.id() != nil {
            throw StorageError.unavailable(
                """
                \(path) is not restored to its end, as \(marker.path) says: run `httpsms restore` again, which starts over
                """)
        }
        let files = FileManager.default
        if files.fileExists(atPath: path) { return }
        var remains = [marker.path, path + "-wal", MasterKeyFile(databasePath: path).path].filter {
            files.fileExists(atPath: $0)
        }
        if let folder = configuration.filesFolder {
            let owner = AttachmentOwner(URL(fileURLWithPath: folder))
            if try owner.file.id() != nil || owner.hasFiles() { remains.append(folder) }
        }
        guard !remains.isEmpty else { return }
        throw StorageError.unavailable(
            """
            there is no \(path), but what belongs to one is there: \(remains.joined(separator: ", ")). Put the database back \
            with its -wal file, or run `httpsms restore`. For a new store, move these away first
            """)
    }
}
