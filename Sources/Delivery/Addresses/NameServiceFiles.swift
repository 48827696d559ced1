// What the compiler takes for the owners of `stat` and `timespec` here.
import CAres
import CoreFoundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where it says how names are looked up: the system's own files, or those of a test.
///
///     var files = NameServiceFiles()
///     files.servers = [IPAddress(v4: 0x7F00_0001)]
///     files.port = 5_353
package struct NameServiceFiles: Sendable {
    /// Names the name servers, the search domains and `ndots`; read again by every lookup. Missing or without a server, it
    /// means the name server of this machine, as for every program.
    package var resolvConf = "/etc/resolv.conf"

    /// Names that need no name server; read again when it changed.
    package var hosts = "/etc/hosts"

    /// Asked instead of the servers that ``resolvConf`` names; empty asks those.
    package var servers: [IPAddress] = []

    /// Where name servers listen, over UDP and TCP.
    package var port: UInt16 = 53

    /// Describes the system's own configuration.
    package init() {}

    /// What differs when one of the files was changed or replaced.
    var state: [FileState] { [FileState(of: resolvConf), FileState(of: hosts)] }
}

/// What tells one state of a file from the next; all zero when there is no such file.
struct FileState: Hashable, Sendable {
    private var inode: UInt64 = 0
    private var size: Int64 = 0
    private var seconds: Int64 = 0
    private var nanoseconds: Int64 = 0

    init(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        #if canImport(Glibc)
            seconds = Int64(status.st_mtim.tv_sec)
            nanoseconds = Int64(status.st_mtim.tv_nsec)
        #else
            seconds = Int64(status.st_mtimespec.tv_sec)
            nanoseconds = Int64(status.st_mtimespec.tv_nsec)
        #endif
    }
}
