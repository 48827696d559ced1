import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Deletes files that no message has: those of deleted messages at once, and those that a crash left between file and row
/// once two searches, a day apart, found them without one. First the file, then its row, so that a crash between leaves
/// only a row whose file is gone. In a folder that is not this store's it deletes nothing.
///
/// What a search found is remembered by this process alone, and the day is counted by a clock that nobody can set and that
/// stands still while the machine sleeps: no time that a file or another machine says deletes anything.
struct AttachmentSweep: Service {
    let store: any Store
    let folder: AttachmentFolder
    let owner: AttachmentOwner
    let clock: any WallClock
    let logger: Logger

    /// Files in one transaction.
    private static let batch = 100
    /// No request takes as long, so a file that had no row for this long never gets one.
    private static let patience = Duration.seconds(86_400)
    /// Files that are remembered from one search to the next: 1 MB. Those beyond have their turn later.
    private static let mostSuspects = 10_000

    /// What is remembered from round to round.
    struct Memory: Sendable {
        /// Whose the folder was.
        var finding = AttachmentOwner.Finding.ours
        /// What the last search found without a row.
        var suspects: Set<String> = []
        /// When to search again, by the steady clock.
        var nextSearch: Duration?
    }

    func run() async throws {
        let wakeups = store.wakeups
        var memory = Memory()
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully && !Task.isCancelled {
                do {
                    try await work(&memory)
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

    /// One round.
    func work(_ memory: inout Memory) async throws {
        let finding = try await owner.settle(in: store, takesFree: !folder.health.wasThere)
        if finding != memory.finding, let problem = owner.problem(finding) {
            logger.warning("files of attachments are not swept", metadata: ["reason": "\(problem)"])
        }
        memory.finding = finding
        // One that is nobody's is not there, or its disk is away.
        guard finding == .ours else { return }
        try await sweep()
        guard memory.nextSearch.map({ clock.steady() >= $0 }) ?? true else { return }
        memory.suspects = try await search(memory.suspects)
        memory.nextSearch = clock.steady() + Self.patience
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

    /// Deletes those of `suspects` that still have no row.
    ///
    /// - Returns: What else has none, for the next search.
    func search(_ suspects: Set<String>) async throws -> Set<String> {
        var found: Set<String> = []
        var count = 0
        for part in try await folder.parts() where !Task.isShuttingDownGracefully {
            var rest = try await folder.tokens(in: part)[...]
            while !rest.isEmpty {
                let tokens = Array(rest.prefix(Self.batch))
                rest = rest.dropFirst(Self.batch)
                let known = try await store.read(.maintenance) { tx in
                    try AttachmentQueries.known(among: tokens, in: tx)
                }
                let unclaimed = tokens.filter { !known.contains($0) }
                let orphans = unclaimed.filter { suspects.contains($0) }
                await folder.remove(orphans)
                count += orphans.count
                let others = unclaimed.filter { !suspects.contains($0) }
                found.formUnion(others.prefix(max(0, Self.mostSuspects - found.count)))
            }
        }
        if count > 0 {
            logger.info("files of attachments without a message were deleted", metadata: ["count": "\(count)"])
        }
        return found
    }
}
