import Delivery
import Logging
import ServiceLifecycle
import Storage
import Timestamps

/// Indexes the texts of messages, in the background and by account: whenever enough of them wait, they become a segment.
///
/// Accepting a message only notes it as waiting. A search looks at what waits as it is, so how far this has come decides
/// how long searches take, and never what they find.
struct SearchIndexer: Service {
    let store: any Store
    let clock: any WallClock
    let logger: Logger
    /// Messages in a segment, and how many have to wait before there is one.
    var size = SearchSegment.most
    /// Characters in a segment, give or take a message: what bounds its memory to some 10 MB.
    var characters = 1_000_000

    /// A look at each account costs what waits for it, so looks are at least this far apart,
    private static let shortestPause = Duration.seconds(5)
    /// and take a twentieth of the time at most.
    private static let pausePerWork = 20
    /// Messages in one read.
    private static let page = 512

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var isFailing = false
            while !Task.isCancelled {
                let started = clock.boot()
                do {
                    try await index()
                    isFailing = false
                } catch is CancellationError {
                    return
                } catch {
                    if !isFailing { logger.warning("messages not indexed", metadata: ["error": "\(error)"]) }
                    isFailing = true
                }
                let work = clock.boot() - started
                // Cancelled at shutdown, which ends the loop.
                try? await clock.sleep(for: max(work * Self.pausePerWork, Self.shortestPause))
            }
        }
    }

    /// Makes segments until no account has enough waiting for another one.
    func index() async throws {
        var user: UserID?
        while let next = try await store.read(
            .maintenance,
            { [user] tx in
                try SearchIndexQueries.user(after: user, in: tx)
            })
        {
            user = next
            while !Task.isCancelled, try await indexSegment(of: next) { try await checkSegment(of: next) }
            if Task.isCancelled { return }
        }
    }

    /// Makes one segment; false when too few wait, or another server was first.
    private func indexSegment(of userID: UserID) async throws -> Bool {
        let isDue = try await store.read(.maintenance) { [size] tx in
            try SearchIndexQueries.hasWaiting(size, of: userID, in: tx)
        }
        guard isDue else { return false }
        var (segment, taken): (SearchSegment, [SearchIndexQueries.Waiting]) = (SearchSegment(), [])
        var length = 0
        while taken.count < size, length < characters {
            let (last, limit) = (taken.last, min(Self.page, size - taken.count))
            let page = try await store.read(.maintenance) { tx in
                try SearchIndexQueries.waiting(of: userID, after: last, limit: limit, in: tx)
            }
            if page.isEmpty { break }
            for message in page where length < characters {
                taken.append(message)
                guard let text = message.text else { continue }
                length += text.unicodeScalars.count
                segment.add(message.id, text)
            }
        }
        let (made, waiting) = (segment, taken)
        do {
            try await store.write(.maintenance) { tx in
                guard try SearchIndexQueries.insert(made, of: waiting, userID: userID, in: tx) else {
                    throw AnotherServer()
                }
            }
            return true
        } catch is AnotherServer {
            return false
        } catch StorageError.uniqueViolation {
            return false  // Two servers drew one number; the messages still wait.
        }
    }

    private struct AnotherServer: Error {}

    /// Looks at the account's segment that was not looked at for longest. When most of its messages were deleted, the others
    /// wait for the index again, and it goes: so the index grows with what there is, not with what there was.
    private func checkSegment(of userID: UserID) async throws {
        try await store.write(.maintenance) { tx in
            guard let segment = try SearchIndexQueries.unchecked(of: userID, in: tx) else { return }
            let (living, all) = try SearchIndexQueries.living(in: segment, of: userID, in: tx)
            guard living.count < all / 2 else {
                return try SearchIndexQueries.check(segment, of: userID, in: tx)
            }
            try tx.runBatch(living.map { SearchIndexQueries.add($0.0, version: $0.version, userID: userID) })
            try SearchIndexQueries.delete(segment, of: userID, in: tx)
        }
    }
}
