import NIOCore
import NIOPosix

/// Runs a body while 127.0.0.2 drops every further SYN at a port: a listener that never accepts, its queue full.
///
/// - Parameters:
///   - port: Which port; 0 for a free one.
///   - body: Is given the port.
/// - Returns: What `body` gave.
/// - Throws: What `body` throws, and when nobody can listen there.
package func withSilentAddress<Answer>(port: Int = 0, body: (Int) async throws -> Answer) async throws -> Answer {
    let group = MultiThreadedEventLoopGroup.singleton
    let listener = try await ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 0)
        .serverChannelOption(.autoRead, value: false)
        .bind(host: "127.0.0.2", port: port).get()
    let port = listener.localAddress?.port ?? port
    let address = try SocketAddress(ipAddress: "127.0.0.2", port: port)
    // The first takes the only place in the queue; the others are for kernels that allow one or two more.
    let first = try await ClientBootstrap(group: group).connect(to: address).get()
    let fillers = (0..<2).map { _ in ClientBootstrap(group: group).connect(to: address) }
    defer {
        listener.close(promise: nil)
        first.close(promise: nil)
        for filler in fillers { filler.whenSuccess { $0.close(promise: nil) } }
    }
    return try await body(port)
}
