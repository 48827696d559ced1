import Logging
import ServiceLifecycle
import Storage

/// Deletes the files of deleted messages: first the file, then its row, so that a crash between leaves only a row whose
/// file is gone already.
struct AttachmentSweep: Service {
    let store: any Store
    let files: AttachmentFiles
    let logger: Logger

    func run() async throws {
        let wakeups = store.wakeups
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully && !Task.isCancelled {
                do {
                    try await sweep()
                } catch {
                    logger.debug("attachments not swept", metadata: ["error": "\(error)"])
                }
                // Nobody waits for this: a minute is the floor.
                await wakeups.wait(for: .attachments, atMost: .seconds(60))
            }
        } onGracefulShutdown: {
            wakeups.signal(.attachments)
        }
    }

    private func sweep() async throws {
        while true {
            let tokens = try await store.read { tx in try AttachmentQueries.garbage(limit: Self.batch, in: tx) }
            if tokens.isEmpty { return }
            await files.remove(tokens)
            try await store.write(.maintenance) { tx in try AttachmentQueries.forgetGarbage(tokens, in: tx) }
        }
    }

    /// Files in one transaction.
    private static let batch = 100
}
