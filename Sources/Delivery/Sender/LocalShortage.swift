#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Error numbers of sockets that tell of this machine, not of the receiver: such an attempt does not count.
enum LocalShortage {
    /// Whether opening a socket, or connecting it to an address of `family`, failed for want of something here.
    ///
    /// A machine without IPv6 answers `EADDRNOTAVAIL` to every address of that family, forever: that is not a shortage.
    static func isOne(_ code: Int32, family: IPAddress.Family) -> Bool {
        codes.contains(code) && !(code == EADDRNOTAVAIL && family == .v6)
    }

    /// Open files of the process and of the system, buffers, memory, ports of an address, and the kernel's own `EAGAIN`
    /// (connect(2): no entries in the routing cache, or no free ports).
    private static let codes: Set<Int32> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN]
}
