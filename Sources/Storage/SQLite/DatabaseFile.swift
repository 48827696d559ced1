import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The database as a file.
struct DatabaseFile {
    /// What sysexits.h calls EX_IOERR.
    private static let inputOutputError: Int32 = 74

    /// The directory that holds the database and its log.
    let directory: String

    /// Makes the file and its directories when they are missing: messages are nobody else's business.
    ///
    /// - Throws: `StorageError.unavailable` naming what could not be made.
    init(path: String) throws {
        directory = Self.parent(of: path)
        try Self.makeDirectory(directory)
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        close(descriptor)
    }

    /// Ends the process: what earlier commits wrote may be gone, and only a restart reads what the disk really holds.
    static func endProcess(after failure: SQLiteFailure, logger: Logger) -> Never {
        logger.critical(
            "a flush to disk failed, so what was committed may be lost; check the disk before you start again",
            metadata: ["database": "\(failure.path)", "code": "\(failure.code)", "reason": "\(failure.message)"])
        _exit(inputOutputError)
    }

    /// Bytes of the file at `path`; nil when there is none.
    static func size(of path: String) -> Int? {
        var information = stat()
        return stat(path, &information) == 0 ? Int(information.st_size) : nil
    }

    private static func makeDirectory(_ path: String) throws {
        if access(path, F_OK) == 0 { return }
        try makeDirectory(parent(of: path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("make the directory", path) }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ verb: String, _ path: String) -> StorageError {
        .unavailable("Could not \(verb) \(path): \(String(cString: strerror(errno))). Check owner and mode.")
    }
}
