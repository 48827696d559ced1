import Dispatch
import Foundation
import Gateway
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Lines of a log on their way to a descriptor, which a thread of its own writes: where nobody reads, that thread waits, and
/// nobody else.
///
/// 4,096 lines and 1 MiB may wait. What comes on top is dropped and counted, until half of that is free again; then a line says
/// how many are missing, in their place. All others keep their order.
final class LogQueue: Sendable {
    private struct State {
        /// What the thread has not taken yet.
        var lines: [[UInt8]] = []
        /// How many lines and bytes are not written yet, with those that the thread has taken.
        var waiting = (lines: 0, bytes: 0)
        /// How many are missing behind the last line.
        var dropped = 0
        var format: LogFormat
        /// Whether the thread waits for a line.
        var isIdle = false
        /// Who waits until everything is written.
        var flushing: [DispatchSemaphore] = []

        mutating func append(_ line: [UInt8]) {
            lines.append(line)
            waiting.lines += 1
            waiting.bytes += line.count
        }
    }

    private let descriptor: Int32
    private let state: Mutex<State>
    private let bell = DispatchSemaphore(value: 0)

    private static let most = (lines: 4_096, bytes: 1_048_576)

    /// Where this process logs to. What waits when it exits is written then, for a second at most.
    static let standardError: LogQueue = {
        atexit { _ = LogQueue.standardError.flush() }
        return LogQueue(to: STDERR_FILENO)
    }()

    /// Starts the thread, which never ends.
    init(to descriptor: Int32, as format: LogFormat = .text) {
        self.descriptor = descriptor
        state = Mutex(State(format: format))
        let thread = Thread { [self] in run() }
        thread.name = "log"
        thread.start()
    }

    /// Has it said in this form how many lines are missing.
    func use(_ format: LogFormat) {
        state.withLock { $0.format = format }
    }

    /// Takes a line with its end, or drops it; does not wait.
    func add(_ line: [UInt8]) {
        let wakes = state.withLock { state -> Bool in
            // One alone may be as long as it likes.
            let hasRoom =
                state.waiting.lines < Self.most.lines && state.waiting.bytes + line.count <= Self.most.bytes
                || state.waiting.lines == 0
            guard hasRoom, state.dropped == 0 else {
                state.dropped += 1
                return false
            }
            state.append(line)
            defer { state.isIdle = false }
            return state.isIdle
        }
        if wakes { bell.signal() }
    }

    /// Waits until everything is written.
    ///
    /// - Returns: False when it is not within `limit`: nobody reads.
    @discardableResult
    func flush(within limit: DispatchTimeInterval = .seconds(1)) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let isEmpty = state.withLock { state -> Bool in
            if state.waiting.lines > 0 { state.flushing.append(done) }
            return state.waiting.lines == 0
        }
        if isEmpty || done.wait(timeout: .now() + limit) == .success { return true }
        state.withLock { state in state.flushing.removeAll { $0 === done } }
        return false
    }

    /// The thread.
    private func run() {
        while true {
            let (lines, flushing) = state.withLock { state -> ([[UInt8]], [DispatchSemaphore]) in
                let taken = state.lines
                state.lines = []
                guard taken.isEmpty else { return (taken, []) }
                state.isIdle = true
                defer { state.flushing = [] }
                return ([], state.flushing)
            }
            for done in flushing { done.signal() }
            if lines.isEmpty { bell.wait() }
            for line in lines {
                put(line)
                state.withLock { state in Self.leave(line, &state) }
            }
        }
    }

    /// Counts a line as written, and says what is missing once there is room for others.
    private static func leave(_ line: [UInt8], _ state: inout State) {
        state.waiting.lines -= 1
        state.waiting.bytes -= line.count
        guard state.dropped > 0, state.waiting.lines <= most.lines / 2, state.waiting.bytes <= most.bytes / 2 else {
            return
        }
        state.append(LogLine.dropped(state.dropped, as: state.format))
        state.dropped = 0
    }

    private func put(_ line: [UInt8]) {
        var start = 0
        while start < line.count {
            let count = line.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
            }
            if count > 0 {
                start += count
            } else if errno == EAGAIN {
                // Whoever shares the descriptor wants nobody to wait for it.
                var room = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: POLLOUT), revents: 0)
                poll(&room, 1, -1)
            } else if errno != EINTR {
                // There is nowhere left to report that the log cannot be written.
                return
            }
        }
    }
}
