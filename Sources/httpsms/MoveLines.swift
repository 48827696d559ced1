import Server
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The progress of a copy: one line that is written over on a terminal, else one for each table.
final class MoveLines: Sendable {
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private let lastShown = Mutex<ContinuousClock.Instant?>(nil)

    /// Shows how far it came, at most ten times a second.
    func show(_ progress: Commands.MoveProgress) {
        if progress.isTableFinished {
            let line = "\(progress.table) \(progress.tableCopied) rows"
            print(isTerminal ? "\r\u{1B}[K\(line)" : line)
            fflush(nil)
            return
        }
        guard isTerminal else { return }
        let now = ContinuousClock.now
        let isDue = lastShown.withLock { last in
            if let last, now - last < .milliseconds(100) { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let percent = progress.copied * 100 / max(1, progress.total)
        let left = progress.timeLeft.map { ", \($0.components.seconds) s left" } ?? ""
        let table = "\(progress.table) \(progress.tableCopied) of \(progress.tableTotal)"
        print("\r\u{1B}[K\(table), \(percent) % of all\(left)", terminator: "")
        fflush(nil)
    }
}
