import Delivery
import Foundation
import NIOCore

/// How many clients may be connected, and how long each may take.
///
/// | what | limit | then |
/// |---|---|---|
/// | the first head, the handshake of TLS included | 10 s | 408, or closed when nothing came |
/// | a later head, from its first byte | 10 s | 408 |
/// | a body | 60 s; after that at least 4 KiB for each second since it began | 408 |
/// | between requests | 75 s | closed |
/// | an answer that the client does not read | 1 KiB a second, looked at every 30 s | closed |
package struct ConnectionLimits: Sendable {
    /// Open connections of clients.
    package var connections: Int
    /// Open connections of one address.
    package var connectionsPerAddress: Int
    /// Whose addresses may have any number: this machine; trusted proxies come on top.
    package var unlimited = [
        Network(base: IPAddress(v4: 0x7F00_0000), prefixLength: 8), Network(base: IPAddress(v6: 1), prefixLength: 128),
    ]
    /// How long a head may take.
    package var head: TimeAmount = .seconds(10)
    /// How long a body of any rate may take.
    package var body: TimeAmount = .seconds(60)
    /// The rate of a body that takes longer: 4 KiB. A picture of an MMS comes at less than 16 on a bad line.
    package var bodyBytesPerSecond = 4 << 10
    /// How long a connection waits for its next request; longer than the minute that proxies keep theirs.
    package var idle: TimeAmount = .seconds(75)
    /// How long an answer may wait for a client that reads too slowly.
    package var stall: TimeAmount = .seconds(30)
    /// What is too slow: less than 1 KiB, a modem of 1984.
    package var answerBytesPerSecond = 1 << 10

    /// The given number of connections, a quarter of them for one address.
    package init(connections: Int) {
        self.connections = connections
        connectionsPerAddress = max(1, connections / 4)
    }

    /// What the limit of open files leaves: all but 256 and a quarter, which are for the store, for webhooks and for
    /// files; 64 at least, or a third of a limit that leaves less, and 16,384 at most. Raises the soft limit to the hard one.
    package static func connectionsForOpenFiles() -> Int {
        OpenFiles.raiseLimit().map(connections(forOpenFiles:)) ?? 512
    }

    /// Why the server cannot run with as many files as it may open, in words; nil when it can, or nobody knows.
    package static func shortageOfOpenFiles() -> String? {
        OpenFiles.raiseLimit().flatMap { shortage(ofOpenFiles: $0) }
    }

    /// The same for a given limit of open files, on a machine with so many cores.
    ///
    /// An event loop needs three, and there is one for each core; 32 are for the store, its connections, the log and the sockets on
    /// which the server listens, and at least as many for clients, webhooks and files.
    package static func shortage(ofOpenFiles files: Int, cores: Int = System.coreCount) -> String? {
        let needed = max(64, 32 + 4 * min(cores, 1_024))
        guard files < needed else { return nil }
        return """
            the limit of open files is \(files), and the server needs \(needed) at least: raise it, as with `ulimit -n 65536` in the \
            shell, LimitNOFILE=65536 in the unit, or --ulimit nofile=65536 of the container
            """
    }

    /// The same for a given limit of open files.
    package static func connections(forOpenFiles files: Int) -> Int {
        min(max(files - files / 4 - 256, min(64, files / 3), 1), 16_384)
    }
}
