import Gateway

/// Copies the history of another httpSMS server into an account of this one, or says what that would come to.
///
/// How far it came is nowhere noted: what is here is known by its id, so a run that was interrupted is simply repeated. It
/// reads all again and writes what is missing.
struct HistoryImport {
    let source: any OldHistory
    let operations: ImportOperations
    /// What is asked for.
    let purpose: Commands.ImportPurpose
    /// Told how far it came.
    let report: @Sendable (String) -> Void

    /// Messages between two reports.
    private static let step = 1_000

    /// Reads all of the other server.
    ///
    /// - Throws: ``ImportError``, `StorageError`, `CancellationError`: all that was imported until then stays.
    func run() async throws -> ImportSummary {
        let progress = Progress()
        try await source.read(problem: { progress.summary.add(problem: $0) }) { page in
            let found = purpose == .bring ? try await operations.bring(page) : try await operations.look(at: page)
            progress.summary.add(found)
            let (read, new) = (progress.summary.read, progress.summary.count(.new))
            guard read >= progress.next else { return }
            progress.next = read + Self.step
            report("\(read) messages read, \(new) of them new")
        }
        return progress.summary
    }

    /// What both closures of a run change, one after the other.
    private final class Progress {
        var summary = ImportSummary()
        var next = HistoryImport.step
    }
}
