import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The right to be the only server of a SQLite database, held until it is released or the process ends.
///
/// Two servers would void each other's leases and send every webhook twice. Commands that only write a row, such as
/// `httpsms user create`, work beside a server and do not take it.
///
/// ```swift
/// let lock = try ServerLock(database: path)
/// defer { lock.release() }
/// ```
package final class ServerLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Takes the lock, a file named as the database with `.lock` behind it, which stays when the lock is released.
    ///
    /// - Throws: `StorageError.unavailable` when another process has it, or the file cannot be made.
    package init(database path: String) throws {
        // Of the file and not of a link to it: whoever comes by another way must find the same lock.
        let lockPath = DatabaseFile.resolved(path) + ".lock"
        _ = try DatabaseFile(path: lockPath)
        let file = open(lockPath, O_RDWR | O_CLOEXEC)
        guard file >= 0 else {
            throw StorageError.unavailable("Could not open \(lockPath): \(String(cString: strerror(errno))).")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.readHolder(file)
            close(file)
            throw StorageError.unavailable(
                """
                Another server\(holder) uses \(path): it holds \(lockPath). Stop it first, or give this server \
                another database.
                """)
        }
        Self.writeHolder(file)
        descriptor = Mutex(file)
    }

    deinit {
        release()
    }

    /// Gives the lock up; a second call does nothing.
    package func release() {
        let file = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        if let file { close(file) }
    }

    /// Written for people only; the lock itself is what counts.
    private static func writeHolder(_ file: Int32) {
        let text = "\(getpid())\n"
        _ = ftruncate(file, 0)
        _ = text.withCString { write(file, $0, strlen($0)) }
    }

    private static func readHolder(_ file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return "" }
        let digits = bytes.prefix(count).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return " (process \(String(decoding: digits, as: UTF8.self)))"
    }
}
