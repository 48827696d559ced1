#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The three streams that a program is started with, or without.
enum StandardStreams {
    /// Takes the place of those that are closed, as by `>&-`: the next file that is opened would be standard output then, and a
    /// key be written into it. What takes the place can be used no more than what was closed.
    static func hold() {
        for (descriptor, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free, which is this one.
            _ = open("/dev/null", mode)
        }
    }

    /// Why nothing can be written to standard output, as far as can be known without writing: an error number; nil when all
    /// is well. A disk that is full is found out by a write only.
    static var outputFailure: Int32? {
        var nothing: UInt8 = 0
        if write(STDOUT_FILENO, &nothing, 0) < 0 { return errno }
        // To write nothing into a pipe that nobody reads is no error.
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(truncatingIfNeeded: POLLOUT), revents: 0)
        guard poll(&output, 1, 0) > 0 else { return nil }
        return output.revents & Int16(truncatingIfNeeded: POLLERR) == 0 ? nil : EPIPE
    }
}
