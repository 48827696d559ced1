import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A port of loopback that nobody listens on, for programs that cannot say which free port they took, or come back to theirs.
///
/// It is below those that systems give to connections (from 32,768 on, on Linux): such a connection of another test would take the
/// port of a server that is just started again. No port is given twice.
func freePort() throws -> Int {
    for _ in 0..<ports.count {
        let port = nextPort.withLock { next in
            next = next == ports.upperBound ? ports.lowerBound : next + 1
            return next
        }
        if isFree(port) { return port }
    }
    throw TestFailure("no port from \(ports.lowerBound) to \(ports.upperBound) is free")
}

private let ports = 11_000...31_000
/// Begins anywhere, as tests of another process may look for ports, too.
private let nextPort = Mutex(Int.random(in: ports))

private func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
