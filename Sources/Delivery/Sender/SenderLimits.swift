import NIOCore

/// The bounds that keep a hostile receiver from costing more than one attempt.
package enum SenderLimits {
    /// 16 KiB of a response's body are kept for the attempt's record.
    package static let keptBodyBytes = 16 * 1_024

    /// 64 KiB of a response's body are read in the hope of its end, which allows the connection to be reused.
    package static let readBodyBytes = 64 * 1_024

    /// 1 s for what follows the answer, within the attempt's deadline: the outcome is known, only reuse is at stake.
    static let restTime = TimeAmount.seconds(1)

    /// 32 KiB for all heads of one response, interim ones included.
    package static let headBytes = 32 * 1_024

    /// 256 KiB of TLS records for the handshake and the answer of one exchange: the longest chain of certificates that the library
    /// takes has 100 KiB, and what is read of an answer 96.
    static let ciphertextBytes = 256 * 1_024

    /// 100 header fields in the final head.
    package static let headerCount = 100

    /// 16 interim (1xx) responses, of a receiver or of a proxy; real servers send one or two.
    package static let interimResponses = 16

    /// 256 bytes for a chunk's size line with its extensions.
    static let chunkLineBytes = 256

    /// 8 KiB per read, fixed: a receiver cannot make buffers grow.
    static let receiveBufferBytes = 8 * 1_024

    /// 250 ms before the next address is tried beside the present one (RFC 8305, 5).
    static let dialStagger = TimeAmount.milliseconds(250)

    /// 200 ms where more than ``parallelDials`` addresses wait: twenty are begun within 4 s.
    static let hurriedDialStagger = TimeAmount.milliseconds(200)

    /// 20 addresses are dialled in one attempt: five attempts reach a hundred.
    static let dialledAddresses = 20

    /// 8 at once; the oldest is given up for the next, and has then had 1.6 s.
    static let parallelDials = 8

    /// 1.5 s: gunicorn closes an idle connection after 2 s, Node.js after 5 s; below both, reuse seldom loses the race.
    static let idleTime = TimeAmount.milliseconds(1_500)

    /// 5 minutes: changes of DNS and load balancers are followed.
    static let connectionAge = TimeAmount.minutes(5)

    /// 64 idle connections per endpoint and address set, the widest window of one endpoint.
    static let idleConnectionsPerKey = 64

    /// 1,024 idle connections in all, so that file descriptors stay for the rest.
    static let idleConnections = 1_024

    /// 1 minute without reuse for a receiver that sent bytes beyond its answer: more than one of its connections may hold
    /// such bytes.
    static let distrust = TimeAmount.minutes(1)

    /// 1,024 receivers that are remembered so; with more, the oldest knowledge goes.
    static let distrustedKeys = 1_024

    /// 500 ms between sweeps of idle connections: none outlives its time by more.
    static let sweepInterval = TimeAmount.milliseconds(500)
}
