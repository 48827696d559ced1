import Logging
import ServiceLifecycle
import Storage

/// Deletes files that no message has: those of deleted messages at once, and those that a crash left between file and row
/// once they are a day old. First the file, then its row, so that a crash between leaves only a row whose file is gone.
struct AttachmentSweep: Service {
    let store: any Store
    let folder: AttachmentFolder
    let logger: Logger

    /// Files in one transaction.
    private static let batch = 100
    /// No request takes as long, so a file this old without a row never gets one.
    private static let orphanAge = Duration.seconds(86_400)

    func run() async throws {
        let wakeups = store.wakeups
        var nextSearch = ContinuousClock.now
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully && !Task.isCancelled {
                do {
                    try await sweep()
                    if ContinuousClock.now >= nextSearch {
                        nextSearch = .now + Self.orphanAge
                        try await removeOrphans()
                    }
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
            let tokens = try await store.read(.maintenance) { tx in
                try AttachmentQueries.garbage(limit: Self.batch, in: tx)
            }
            if tokens.isEmpty { return }
            await folder.remove(tokens)
            try await store.write(.maintenance) { tx in try AttachmentQueries.forgetGarbage(tokens, in: tx) }
        }
    }

    private func removeOrphans() async throws {
        var count = 0
        for part in 0...255 where !Task.isShuttingDownGracefully {
            var rest = try await folder.tokens(part: part, olderThan: Self.orphanAge)[...]
            while !rest.isEmpty {
                let tokens = Array(rest.prefix(Self.batch))
                rest = rest.dropFirst(Self.batch)
                let known = try await store.read(.maintenance) { tx in
                    try AttachmentQueries.known(among: tokens, in: tx)
                }
                let orphans = tokens.filter { !known.contains($0) }
                await folder.remove(orphans)
                count += orphans.count
            }
        }
        if count > 0 {
            logger.info("files of attachments without a message were deleted", metadata: ["count": "\(count)"])
        }
    }
}
