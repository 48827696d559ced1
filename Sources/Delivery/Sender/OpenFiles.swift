#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import NIOCore

/// How many files and sockets this process has left.
///
/// Sockets never take the last ones. libdispatch, which runs every task, opens `/proc/<thread>/stat` once a second while work waits for a
/// thread, and ends the process with SIGILL where that fails (its `workqueue.c`, as of Swift 6.3): a server without a single file left
/// over does not refuse, it dies.
package enum OpenFiles {
    /// What sockets leave: one for libdispatch, the others for files that are open for a moment, and for the connections that several
    /// event loops accept at the same time.
    package static let reserve = 16

    /// Raises the soft limit of open files to the hard one, and gives it; nil when it is not known.
    package static func raiseLimit() -> Int? {
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return nil }
        if limit.rlim_cur < limit.rlim_max {
            let before = limit.rlim_cur
            // Linux takes no more than fs.nr_open, whatever the hard limit says.
            limit.rlim_cur = min(limit.rlim_max, 1 << 20)
            if setrlimit(kind, &limit) != 0 { limit.rlim_cur = before }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Whether the next socket would be one of the ``reserve``; also when nothing can be opened at all, whoever took the rest.
    package static var areShort: Bool {
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return false }
        // The kernel gives the lowest number that is free: as many are open at least.
        let next = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard next >= 0 else { return errno == EMFILE || errno == ENFILE }
        close(next)
        return Int(next) >= Int(clamping: limit.rlim_cur) - reserve
    }

    /// To be asked before a socket is opened.
    ///
    /// - Throws: `IOError` with `EMFILE`, as the kernel would a little later.
    package static func checkForSocket() throws {
        if areShort { throw IOError(errnoCode: EMFILE, reason: "socket") }
    }

    #if canImport(Glibc)
        private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let kind = RLIMIT_NOFILE
    #endif
}
