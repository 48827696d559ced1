#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The files of a store as they were when it was opened, to tell whether their names still lead to them.
///
/// A process that holds a deleted file open goes on writing to it, and whatever it is told is kept is lost when it ends.
struct StoreFiles: Sendable {
    /// What a name leads to no more.
    enum Loss: Hashable, Sendable, CustomStringConvertible {
        case gone(path: String)
        /// Something else is there, with this device and inode.
        case replaced(path: String, by: Identity)

        var description: String {
            switch self {
            case .gone(let path): "\(path) is gone"
            case .replaced(let path, _): "\(path) was replaced by another file"
            }
        }
    }

    /// What a name leads to.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64

        /// Nil when there is nothing, or nobody may look.
        init?(path: String) {
            var information = stat()
            guard stat(path, &information) == 0 else { return nil }
            device = UInt64(information.st_dev)
            inode = UInt64(information.st_ino)
        }
    }

    private let files: [(path: String, identity: Identity)]

    /// Notes the database, its log, the log's index and the lock, as far as they are there.
    init(database path: String) {
        files = ["", "-wal", "-shm", ".lock"].compactMap { suffix in
            Identity(path: path + suffix).map { (path + suffix, $0) }
        }
    }

    /// What is lost, the database first; nil when all is as it was.
    func loss() -> Loss? {
        for (path, identity) in files {
            guard let now = Identity(path: path) else { return .gone(path: path) }
            if now != identity { return .replaced(path: path, by: now) }
        }
        return nil
    }
}
