import Dispatch
import Gateway
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Server

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What becomes of the log when its reader is slow, or does not read at all.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct LogQueueTests {
    /// The number that a line says, in so many bytes.
    private static func line(_ number: Int, bytes: Int) -> String {
        let text = "\(number) "
        return text + String(repeating: "x", count: bytes - text.utf8.count - 1)
    }

    @Test(arguments: [(100, 10_000), (10_000, 1_000)])
    func whatNobodyReadsIsDroppedAndCounted(bytes: Int, count: Int) async throws {
        let pipe = try LogPipe()
        let queue = LogQueue(to: pipe.writer)

        for number in 0..<count { queue.add(Array("\(Self.line(number, bytes: bytes))\n".utf8)) }

        #expect(!queue.flush(within: .milliseconds(10)))
        try await until("what is missing is told") { pipe.text.contains("nobody reads") && pipe.text.hasSuffix("\n") }
        queue.add(Array("once more\n".utf8))
        try await until("the next line") { pipe.text.hasSuffix("once more\n") }
        let lines = pipe.text.split(separator: "\n").map(String.init)
        let kept = lines.count - 2
        #expect(kept < count)
        #expect(Array(lines.prefix(kept)) == (0..<kept).map { Self.line($0, bytes: bytes) })
        #expect(lines[kept].hasSuffix(" warning lines were dropped: nobody reads the log count=\(count - kept)"))
    }

    @Test func whatIsReadComesInOrderAndWhole() async throws {
        let pipe = try LogPipe()
        let queue = LogQueue(to: pipe.writer)
        let sizes = [10, 100, 100_000, 5_000]

        // Less than 1 MiB.
        for number in 0..<36 { queue.add(Array("\(Self.line(number, bytes: sizes[number % 4]))\n".utf8)) }

        try await until("all lines") { pipe.text.split(separator: "\n").last?.hasPrefix("35 ") == true }
        #expect(queue.flush(within: .seconds(60)))
        let lines = pipe.text.split(separator: "\n").map(String.init)
        #expect(lines == (0..<36).map { Self.line($0, bytes: sizes[$0 % 4]) })
    }

    @Test func whatMayBeTheLastLineIsWrittenBeforeItsCallReturns() throws {
        let pipe = try LogPipe()
        let queue = LogQueue(to: pipe.writer)
        let logger = Logger(
            label: "test", factory: { LogLine(logLevel: .info, label: $0, format: .text, queue: queue) })

        for number in 0..<100 {
            logger.critical("the disk is gone", metadata: ["number": "\(number)"])

            #expect(pipe.text.hasSuffix(" critical the disk is gone number=\(number)\n"))
        }
    }
}

/// A pipe that is read when a test asks for its text.
private final class LogPipe: Sendable {
    let writer: Int32
    private let reader: Int32
    private let taken = Mutex<[UInt8]>([])

    init() throws {
        var ends: [Int32] = [-1, -1]
        let isMade = pipe(&ends) == 0
        try #require(isMade)
        (reader, writer) = (ends[0], ends[1])
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// All that has come so far.
    var text: String {
        taken.withLock { taken in
            var piece = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(reader, &piece, piece.count)
                guard count > 0 else { return String(decoding: taken, as: UTF8.self) }
                taken += piece[..<count]
            }
        }
    }
}
