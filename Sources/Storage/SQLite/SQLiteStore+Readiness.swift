extension SQLiteStore {
    /// Says whether clients' writes can be stored: nil when they can, else the reason and what to fix.
    ///
    /// After a write that failed because of the disk it tries a small one, so that the answer turns to nil by itself
    /// once the cause is gone. Waits behind the writes of the engine only; at most as long as another program may hold
    /// the lock, 5 seconds.
    package func readiness() async -> String? {
        if isClosed { return "\(path) is closed." }
        if let loss = health.loss { return loss }
        if let shortage = freeSpace.shortage() { return shortage }
        guard health.lastFailure != nil else { return nil }
        do {
            try await writer.perform(.engine, Self.tryToGrow)
            return nil
        } catch StorageError.unavailable(let reason) {
            return reason
        } catch {
            return "The state of \(path) could not be checked: \(error)"
        }
    }

    /// Needs new pages and room in the log, and leaves nothing behind. It makes every statement compile again, so it is
    /// kept for when there is doubt.
    private static func tryToGrow(_ transaction: any Transaction) throws {
        try transaction.run("CREATE TABLE readiness_trial (filler \(.blob)) \(.strict)")
        try transaction.run("INSERT INTO readiness_trial VALUES (\([UInt8](repeating: 0, count: 16_384)))")
        try transaction.run("DROP TABLE readiness_trial")
    }
}
