import NIOCore
import NIOPosix
import Synchronization

@testable import Delivery

/// A DNS server on loopback, over UDP and TCP at one port, that answers by a script.
final class NameServer: Sendable {
    /// What somebody asks for.
    struct Question: Sendable {
        /// Without a dot at the end.
        let name: String
        let family: IPAddress.Family
        let isTCP: Bool
        /// How many lookups of the name there were before, both families and repeated packets counted as one.
        let count: Int
        /// The packet.
        let bytes: [UInt8]
        /// Where the question's name and type end in it.
        fileprivate let end: Int
    }

    /// What a name has.
    enum Answer: Sendable {
        /// The addresses of both families.
        case addresses([String])
        /// Names that lead to each other, and the addresses of the last one.
        case aliases([String], [String])
        /// Nothing: NXDOMAIN.
        case notFound
        /// Another code: 2 is SERVFAIL, 5 is REFUSED.
        case code(UInt8)
        /// Over UDP the news that it does not fit, over TCP the addresses.
        case truncated([String])
        /// Any packet.
        case packet([UInt8])
        /// The first bytes of a long answer, one every 20 ms; over TCP.
        case trickle
        /// No answer at all.
        case silence
    }

    /// Decides on the answer.
    typealias Script = @Sendable (_ question: Question) -> Answer

    private struct Asked {
        var names: [String] = []
        var ids: Set<[UInt8]> = []
        var ports: Set<Int> = []
        var tcpCount = 0
    }

    private let script: Script
    private let asked = Mutex(Asked())

    private init(script: @escaping Script) {
        self.script = script
    }

    /// The names that were asked for, once for each lookup.
    var names: [String] { asked.withLock { $0.names } }

    /// The ports that datagrams came from.
    var ports: Set<Int> { asked.withLock { $0.ports } }

    /// How many questions came over TCP.
    var tcpCount: Int { asked.withLock { $0.tcpCount } }

    /// Listens at a port of `host`, an address of loopback, while `body` runs, which is told the port; 0 is any.
    static func run<Value>(
        host: String = "127.0.0.1", port: Int = 0, _ script: @escaping Script,
        body: (NameServer, _ port: Int) async throws -> Value
    ) async throws -> Value {
        let server = NameServer(script: script)
        let (stream, datagrams) = try await server.listen(host: host, port: port)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(server, stream.localAddress?.port ?? 0))
        } catch { result = .failure(error) }
        try await stream.close()
        try await datagrams.close()
        return try result.get()
    }

    private func listen(host: String, port: Int) async throws -> (any Channel, any Channel) {
        let group = MultiThreadedEventLoopGroup.singleton
        var tries = 20
        while true {
            let stream = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(StreamResponder(server: self))
                    }
                }
                .bind(host: host, port: port).get()
            do {
                let datagrams = try await DatagramBootstrap(group: group)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(Responder(server: self))
                        }
                    }
                    .bind(host: host, port: stream.localAddress?.port ?? 0).get()
                return (stream, datagrams)
            } catch {
                // Somebody else has the port of the datagrams.
                try await stream.close()
                tries -= 1
                if port != 0 || tries == 0 { throw error }
            }
        }
    }

    /// The answer to a query (RFC 1035 section 4.1) with one question.
    private func answer(to query: [UInt8], isTCP: Bool, port: Int) -> (Answer, [UInt8]?) {
        guard let question = read(query, isTCP: isTCP, port: port) else { return (.silence, nil) }
        let answer = script(question)
        return (answer, Self.packet(answer, to: question))
    }

    private func read(_ query: [UInt8], isTCP: Bool, port: Int) -> Question? {
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
        let count = asked.withLock { asked in
            if isTCP { asked.tcpCount += 1 } else { asked.ports.insert(port) }
            // IPv4 is asked for first. The same id again is the same packet again.
            let isNew = !isIPv6 && asked.ids.insert(Array(query[..<2] + query[12...index])).inserted
            if isNew { asked.names.append(name) }
            return max(0, asked.names.count { $0 == name } - 1)
        }
        return Question(
            name: name, family: isIPv6 ? .v6 : .v4, isTCP: isTCP, count: count, bytes: query, end: index + 4)
    }

    private static func packet(_ answer: Answer, to question: Question) -> [UInt8]? {
        switch answer {
        case .silence, .trickle: nil
        case .packet(let bytes): bytes
        case .notFound: packet(code: 3, [], to: question)
        case .code(let code): packet(code: code, [], to: question)
        case .addresses(let texts): packet(code: 0, addresses(texts, of: [0xc0, 12], question.family), to: question)
        case .truncated(let texts):
            question.isTCP
                ? packet(code: 0, addresses(texts, of: [0xc0, 12], question.family), to: question)
                : packet(code: 0, isTruncated: true, [], to: question)
        case .aliases(let names, let texts):
            packet(
                code: 0,
                zip([[0xc0, 12]] + names.map(encoded), names).map { record(type: 5, of: $0, encoded($1)) }
                    + addresses(texts, of: names.last.map(encoded) ?? [0xc0, 12], question.family),
                to: question)
        }
    }

    /// A packet that answers `question`, or looks like it: `isTruncated` says that more is to be had over TCP, `id` may be
    /// another one than was asked for.
    static func packet(
        code: UInt8 = 0, isTruncated: Bool = false, id: [UInt8]? = nil, _ records: [[UInt8]], to question: Question
    ) -> [UInt8] {
        let count = [UInt8(truncatingIfNeeded: records.count >> 8), UInt8(truncatingIfNeeded: records.count)]
        let flags: UInt8 = isTruncated ? 0x83 : 0x81
        return (id ?? Array(question.bytes[..<2])) + [flags, 0x80 | code, 0, 1] + count + [0, 0, 0, 0]
            + question.bytes[12...question.end] + records.flatMap(\.self)
    }

    /// Address records of one family for a name as it is encoded.
    static func addresses(_ texts: [String], of name: [UInt8], _ family: IPAddress.Family) -> [[UInt8]] {
        texts.compactMap { IPAddress($0) }.filter { $0.family == family }
            .map { record(type: family == .v6 ? 28 : 1, of: name, $0.bytes) }
    }

    /// A name as labels.
    static func encoded(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    /// Class IN, a time to live of 0.
    private static func record(type: UInt8, of name: [UInt8], _ data: [UInt8]) -> [UInt8] {
        name + [0, type, 0, 1, 0, 0, 0, 0, UInt8(data.count >> 8), UInt8(data.count & 0xff)] + data
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        private let server: NameServer

        init(server: NameServer) {
            self.server = server
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let query = unwrapInboundIn(data)
            let bytes = Array(query.data.readableBytesView)
            let port = query.remoteAddress.port ?? 0
            guard let answer = server.answer(to: bytes, isTCP: false, port: port).1 else { return }
            let envelope = AddressedEnvelope(remoteAddress: query.remoteAddress, data: ByteBuffer(bytes: answer))
            context.channel.writeAndFlush(envelope, promise: nil)
        }
    }

    /// Every message over TCP has its length in front (RFC 1035, 4.2.2).
    private final class StreamResponder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let server: NameServer
        private var received = ByteBuffer()

        init(server: NameServer) {
            self.server = server
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            while let query = received.readLengthPrefixedSlice(as: UInt16.self) {
                let (answer, packet) = server.answer(to: Array(query.readableBytesView), isTCP: true, port: 0)
                if let packet {
                    var buffer = ByteBuffer()
                    buffer.writeInteger(UInt16(packet.count))
                    buffer.writeBytes(packet)
                    context.channel.writeAndFlush(buffer, promise: nil)
                } else if case .trickle = answer {
                    trickle(on: context.channel)
                }
            }
        }

        private func trickle(on channel: any Channel) {
            channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(20)) { task in
                guard channel.isActive else { return task.cancel() }
                channel.writeAndFlush(ByteBuffer(bytes: [0xff]), promise: nil)
            }
        }
    }
}

/// Where a resolver asks the name servers of loopback at `port`, and nothing else: no file of the machine plays a part.
func loopbackNames(at port: Int, servers: [String] = ["127.0.0.1"]) -> NameServiceFiles {
    var files = NameServiceFiles()
    files.resolvConf = "/dev/null"
    files.hosts = "/dev/null"
    files.servers = servers.compactMap { IPAddress($0) }
    files.port = UInt16(clamping: port)
    return files
}
