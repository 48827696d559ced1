import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The space left where the database is.
///
/// SQLite on a full disk cannot even delete, so clean-up cannot make room. What clients send is refused while there is
/// still enough left to record what the server is doing.
package final class FreeSpace: Sendable {
    /// How long a measurement is used: statvfs for every request would cost more than it tells.
    private static let age = Duration.milliseconds(250)

    private struct Measurement {
        var taken: ContinuousClock.Instant?
        /// Bytes; nil when the system does not say.
        var available: Int64?
    }

    private let directory: String
    private let floorBytes: Int64
    private let last = Mutex(Measurement())

    init(directory: String, floorBytes: Int64) {
        self.directory = directory
        self.floorBytes = floorBytes
    }

    /// Why clients' writes are refused, in words; nil when there is enough space, or nobody knows.
    func shortage() -> String? {
        let available = last.withLock { last in
            let now = ContinuousClock.now
            if let taken = last.taken, now - taken < Self.age { return last.available }
            last = Measurement(taken: now, available: Self.bytes(in: directory))
            return last.available
        }
        guard let available, available < floorBytes else { return nil }
        return """
            Only \(mebibytes(available)) MiB are free in \(directory), and \(mebibytes(floorBytes)) MiB are needed. \
            Free space there; nothing has to be restarted.
            """
    }

    /// Bytes that are free in a folder; nil when the system does not say.
    package static func bytes(in directory: String) -> Int64? {
        var information = statvfs()
        guard statvfs(directory, &information) == 0 else { return nil }
        let available = UInt64(information.f_bavail).multipliedReportingOverflow(by: UInt64(information.f_frsize))
        return available.overflow ? nil : Int64(clamping: available.partialValue)
    }

    private func mebibytes(_ bytes: Int64) -> Int64 { bytes / 1_048_576 }
}
