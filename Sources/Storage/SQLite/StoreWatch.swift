import Dispatch
import Logging
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Looks once a second whether the files of a SQLite store are still where they were, and ends the process when they are
/// not: nothing that is accepted from then on would be found again.
///
/// What was accepted before is copied from the log into the database file first, wherever that is by now. Two looks in a
/// row must find the same, as some network file systems number their files afresh at times.
package struct StoreWatch: Service {
    /// What sysexits.h calls EX_IOERR.
    private static let inputOutputError: Int32 = 74
    /// What copying the log may take.
    private static let copyLimit = DispatchTimeInterval.seconds(5)

    private let store: SQLiteStore
    private let files: StoreFiles
    private let interval: Duration
    private let logger: Logger
    private let end: @Sendable (Int32) -> Void

    /// Notes the files as they are now, so that it is to be made when the store is opened.
    ///
    /// - Parameters:
    ///   - store: Whose files.
    ///   - interval: Between two looks.
    ///   - logger: Told why the process ends.
    ///   - end: Ends the process with a code.
    package init(
        _ store: SQLiteStore, interval: Duration = .seconds(1), logger: Logger,
        end: @escaping @Sendable (Int32) -> Void = { _exit($0) }
    ) {
        self.store = store
        files = StoreFiles(database: store.path)
        self.interval = interval
        self.logger = logger
        self.end = end
    }

    /// Looks until graceful shutdown or cancellation, or until it has ended the process.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var last: StoreFiles.Loss?
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)  // Cancelled at shutdown, which ends the loop.
                guard !Task.isCancelled, let loss = await look() else {
                    last = nil
                    continue
                }
                if loss == last { return await giveUp(loss) }
                last = loss
            }
        }
    }

    /// A file system may hang, so not on a task's thread.
    private func look() async -> StoreFiles.Loss? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [files] in continuation.resume(returning: files.loss()) }
        }
    }

    private func giveUp(_ loss: StoreFiles.Loss) async {
        logger.critical(
            "the files of the store were taken away while the server runs; the process ends, as nothing more can be kept",
            metadata: ["database": "\(store.path)", "reason": "\(loss)"])
        let code = Self.inputOutputError
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.copyLimit) { [end] in end(code) }
        await store.abandon(because: "\(loss)")
        end(code)
    }
}
