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

    /// Where it is, without symbolic links: SQLite puts the log beside the file, and not beside a link to it.
    let path: String
    /// The directory that holds the database and its log.
    let directory: String

    /// Makes the file and its directories when they are missing: messages are nobody else's business.
    ///
    /// A file with two names, and one that is mounted by itself, would have a log and a ``ServerLock`` by each of its paths: two
    /// servers could take it for theirs and corrupt it.
    ///
    /// - Parameters:
    ///   - path: Where it is, or a symbolic link to it.
    ///   - mounts: What is mounted where.
    /// - Throws: `StorageError.unavailable` naming what could not be made, and when the file has another name, or is mounted by
    ///   itself.
    init(path: String, mounts: MountTable = .own) throws {
        try Self.makeDirectory(Self.parent(of: path))
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw Self.failure("look at", path) }
        guard information.st_nlink <= 1 else {
            throw StorageError.unavailable(
                "\(path) has another name, a hard link: each name would have a log of its own. Delete one of them.")
        }
        self.path = Self.resolved(path)
        guard !mounts.places.contains(self.path) else {
            throw StorageError.unavailable(
                """
                \(path) is mounted as a single file: its log would be outside of the mount, and a second server could open the \
                same file. Mount the folder that holds it.
                """)
        }
        directory = Self.parent(of: self.path)
    }

    /// The path without symbolic links, as far as there is something under it.
    static func resolved(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        guard let real = realpath(parent(of: path), nil) else { return path }
        defer { free(real) }
        let name = path.split(separator: "/").last ?? ""
        return String(cString: real) + "/" + name
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
