import NIOCore
import NIOPosix
import Synchronization

@testable import Delivery

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A DNS server on a free port of loopback, over UDP, that answers by a script.
final class NameServer: Sendable {
    /// What a name has: the addresses of both families, nothing (NXDOMAIN), or no answer at all.
    enum Answer: Sendable {
        case addresses([String])
        case notFound
        case silence
    }

    /// Decides on the answer, from the name and how often it was asked for before, both families counted as one.
    typealias Script = @Sendable (_ name: String, _ count: Int) -> Answer

    private let script: Script
    private let asked = Mutex<[String]>([])

    private init(script: @escaping Script) {
        self.script = script
    }

    /// The names that were asked for, once for each lookup.
    var names: [String] { asked.withLock { $0 } }

    /// Listens while `body` runs.
    static func run(_ script: @escaping Script, body: (NameServer, _ port: Int) async throws -> Void) async throws {
        let server = NameServer(script: script)
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Responder(server: server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(server, channel.localAddress?.port ?? 0))
        } catch { result = .failure(error) }
        try await channel.close()
        try result.get()
    }

    /// The answer to a query (RFC 1035 section 4.1) with one question; nil for none.
    private func answer(to query: [UInt8]) -> [UInt8]? {
        guard query.count > 16 else { return nil }
        var labels: [String] = []
        var index = 12
        while index < query.count, query[index] > 0 {
            let end = index + 1 + Int(query[index])
            guard end < query.count else { return nil }
            labels.append(String(decoding: query[index + 1..<end], as: UTF8.self))
            index = end
        }
        guard index + 4 < query.count else { return nil }
        let isIPv6 = query[index + 2] == 28
        let name = labels.joined(separator: ".")
        // Both families are asked for, IPv4 first.
        let count = asked.withLock { asked in
            if !isIPv6 { asked.append(name) }
            return asked.count { $0 == name } - 1
        }
        var records: [UInt8] = []
        var number: UInt8 = 0
        var code: UInt8 = 0
        switch script(name, count) {
        case .silence: return nil
        case .notFound: code = 3
        case .addresses(let texts):
            for address in texts.compactMap({ IPAddress($0) }) where (address.family == .v6) == isIPv6 {
                let width = isIPv6 ? 16 : 4
                let bytes = (0..<width).map { UInt8(truncatingIfNeeded: address.bits >> (8 * (width - 1 - $0))) }
                // A pointer to the question's name, type, class IN, a time to live of 0.
                records += [0xc0, 12, 0, isIPv6 ? 28 : 1, 0, 1, 0, 0, 0, 0, 0, UInt8(width)] + bytes
                number += 1
            }
        }
        return [query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, number, 0, 0, 0, 0] + query[12...index + 4] + records
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        private let server: NameServer

        init(server: NameServer) {
            self.server = server
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let query = unwrapInboundIn(data)
            guard let answer = server.answer(to: Array(query.data.readableBytesView)) else { return }
            let envelope = AddressedEnvelope(remoteAddress: query.remoteAddress, data: ByteBuffer(bytes: answer))
            context.channel.writeAndFlush(envelope, promise: nil)
        }
    }
}

/// A blocking lookup, as ``SystemLookup`` is one, that asks the name server at `port` of loopback.
func lookUp(_ host: String, at port: Int) -> Result<[IPAddress], ResolutionError> {
    var addresses: [IPAddress] = []
    for type: UInt8 in [1, 28] {
        let name = host.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        let query: [UInt8] = [0x12, type, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 0, type, 0, 1]
        guard let answer = exchange(query, port) else { return .failure(.timedOut) }
        guard answer.count > query.count - 1, answer[0] == 0x12, answer[1] == type else {
            return .failure(.failed("no answer to the question"))
        }
        if answer[3] & 15 == 3 { return .failure(.notFound) }
        var index = query.count
        while index + 12 <= answer.count {
            let width = Int(answer[index + 11])
            let bits = answer[index + 12..<index + 12 + width].reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            addresses.append(width == 4 ? IPAddress(v4: UInt32(truncatingIfNeeded: bits)) : IPAddress(v6: bits))
            index += 12 + width
        }
    }
    return addresses.isEmpty ? .failure(.notFound) : .success(addresses)
}

/// Sends a datagram and waits for the answer, 2 s at most.
private func exchange(_ query: [UInt8], _ port: Int) -> [UInt8]? {
    #if canImport(Glibc)
        let handle = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    #else
        let handle = socket(AF_INET, SOCK_DGRAM, 0)
    #endif
    guard handle >= 0 else { return nil }
    defer { close(handle) }
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    guard isConnected, send(handle, query, query.count, 0) == query.count else { return nil }
    var buffer = [UInt8](repeating: 0, count: 1_500)
    let count = recv(handle, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer[..<count]) : nil
}
