import Secrets
import Storage

extension Commands {
    /// Rows in one transaction, as a rotation has it.
    private static let sealedBatch = 200

    /// Values that no key opens which is here: they were sealed with a key that was lost, or altered.
    static func sealedValues(_ keyring: Keyring, in store: any Store) async throws -> [Finding] {
        var places: [String] = []
        for table in MasterKeyRotation.tables {
            var (position, unreadable): (String?, Int) = (nil, 0)
            while true {
                let after = position
                let slice = try await store.read(.maintenance) { tx in
                    try table.look(after: after, limit: sealedBatch, with: keyring, in: tx)
                }
                unreadable += slice.unreadable
                guard let last = slice.last else { break }
                position = last
            }
            if unreadable > 0 {
                places.append("\(unreadable) of \(table.columns.joined(separator: ", ")) in \(table.name)")
            }
        }
        if places.isEmpty { return [] }
        return [
            .problem(
                "sealed values",
                """
                \(places.joined(separator: "; ")) open with no master key that is here: look for the key in backups of the key \
                file, and let the accounts make new keys and signing keys when it is lost
                """)
        ]
    }
}
