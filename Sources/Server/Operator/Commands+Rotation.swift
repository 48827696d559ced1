import Delivery
import Gateway
import Logging
import Secrets
import Storage
import Timestamps

extension Commands {
    /// Encrypts everything with the new master key, or prepares that; see `docs/operations.md`.
    ///
    /// - Parameters:
    ///   - flags: Flags by the variable they stand for.
    ///   - report: Called after each slice with how far it came.
    /// - Returns: What was done and what comes next, in lines.
    /// - Throws: ``RotationError``, and what opening the store throws; no key is removed then.
    package static func rotateMasterKey(
        flags: [String: String?], report: @escaping @Sendable (String) -> Void
    ) async throws -> [String] {
        let configuration = try configure(flags)
        let file = MasterKeyFile(databasePath: configuration.databasePath)
        // Read once: a later look may find another rotation's keys.
        let keys = configuration.masterKey == nil ? try file.read() ?? [] : []
        let filed = try keys.first.map { try Keyring(masterKey: $0, other: keys.dropFirst().first) }
        guard let keyring = try filed ?? GatewayStore.knownKeyring(configuration) else {
            throw RotationError("there is no master key yet")
        }
        let opened = try await GatewayStore.open(
            configuration, clock: SystemClock(), logger: Logger(label: "httpsms"))
        return try await closing(opened.store) {
            if !keyring.isPair {
                guard let key = keys.first else {
                    throw RotationError(
                        "set MASTER_KEY to the new key and MASTER_KEY_PREVIOUS to the one before, here and on every node"
                    )
                }
                try file.addKey(before: key)
                return [
                    "\(file.path) holds a new key and the one before now.",
                    "Restart the server, which uses the new one from then on, and run this command again.",
                ]
            }
            guard opened.keyring.identifier == keyring.identifier else {
                throw RotationError("no server uses the new key yet: restart each with both keys, then run this again")
            }
            let unreadable = try await MasterKeyRotation(store: opened.store, keyring: keyring, report: report).run()
            var lines = ["Everything is encrypted with the new master key."]
            if unreadable > 0 {
                lines.append("\(unreadable) values opened with neither key and were left as they are.")
            }
            if keys.count == 2 {
                let kept = try file.retire(keys[1], keeping: keys[0])
                lines.append("The key before is in \(kept). Only backups from before need it: delete it with them.")
            } else {
                lines.append(
                    "Once every node was restarted with the new MASTER_KEY, run this once more, then take MASTER_KEY_PREVIOUS"
                        + " away everywhere. Only backups from before need that key.")
            }
            return lines
        }
    }
}

/// Why a master key was not rotated.
struct RotationError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
