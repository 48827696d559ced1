import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What makes the lookups of a resolver: ``NameLookups``, or a script in tests.
protocol NameLookupRunner: Sendable {
    /// Called once, unless the lookup is cancelled or ended by ``shutdown()``.
    typealias Completion = @Sendable (Result<[IPAddress], ResolutionError>) -> Void

    /// Looks up a canonical name.
    ///
    /// - Parameters:
    ///   - id: names the lookup in ``cancel(_:)``; never used twice.
    ///   - name: without a dot at the end.
    ///   - deadline: when it ends with ``ResolutionError/timedOut`` at the latest.
    ///   - completion: told the outcome, on any thread.
    func start(_ id: UInt64, _ name: String, until deadline: NIODeadline, completion: @escaping Completion)

    /// Ends a lookup, whose completion may be called all the same if it just ended by itself.
    func cancel(_ id: UInt64)

    /// Ends all lookups without calling their completions.
    func shutdown()
}

/// Runs lookups of names on one thread of its own, which waits for the sockets of all of them in one poll(2).
///
/// A lookup costs no thread and disturbs no other: it ends at its deadline, when it is cancelled or at shutdown, whatever
/// name servers do. How many may run at once is up to the caller. Thread-safe.
final class NameLookups: NameLookupRunner {
    private enum Command: Sendable {
        case start(id: UInt64, name: String, deadline: NIODeadline, Completion)
        case cancel(id: UInt64)
    }

    private struct State {
        var commands: [Command] = []
        var isShutDown = false
    }

    private struct Running {
        let lookup: NameLookup
        let completion: Completion
        var nextLook: NIODeadline
    }

    private let files: NameServiceFiles
    private let state = Mutex(State())
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let doorbell: Doorbell

    /// Starts the thread; call ``shutdown()`` before letting go.
    ///
    /// - Throws: `IOError` when the process has no file descriptor left.
    init(_ files: NameServiceFiles) throws {
        self.files = files
        doorbell = try Doorbell()
        pool.start()
        pool.submit { _ in self.run() }
    }

    func start(_ id: UInt64, _ name: String, until deadline: NIODeadline, completion: @escaping Completion) {
        send(.start(id: id, name: name, deadline: deadline, completion))
    }

    func cancel(_ id: UInt64) {
        send(.cancel(id: id))
    }

    /// Ends all lookups without calling their completions, then the thread.
    func shutdown() {
        state.withLock { $0.isShutDown = true }
        doorbell.ring()
        pool.shutdownGracefully { _ in }
    }

    private func send(_ command: Command) {
        let isShutDown = state.withLock { state in
            if !state.isShutDown { state.commands.append(command) }
            return state.isShutDown
        }
        if !isShutDown { doorbell.ring() }
    }

    private func run() {
        Self.blockBrokenPipes()
        var running: [UInt64: Running] = [:]
        var hosts = HostsFile([])
        var hostsState: FileState?
        while true {
            let (commands, isShutDown) = state.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.isShutDown)
            }
            if isShutDown { return }
            for command in commands {
                switch command {
                case .cancel(let id): running[id] = nil
                case .start(let id, let name, let deadline, let completion):
                    let present = FileState(of: files.hosts)
                    if present != hostsState {
                        hosts = HostsFile(path: files.hosts)
                        hostsState = present
                    }
                    if let known = Self.known(name, in: hosts) {
                        completion(.success(known))
                        continue
                    }
                    let lookup = NameLookup(of: name, files: files, deadline: deadline)
                    lookup.process([], at: .now())
                    running[id] = Running(
                        lookup: lookup, completion: completion, nextLook: lookup.nextLook(at: .now()))
                }
            }
            land(&running)
            wait(for: &running)
            land(&running)
        }
    }

    /// Takes those out that have an outcome.
    private func land(_ running: inout [UInt64: Running]) {
        for (id, entry) in running {
            guard let outcome = entry.lookup.outcome else { continue }
            running[id] = nil
            entry.lookup.end()
            entry.completion(outcome)
        }
    }

    private func wait(for running: inout [UInt64: Running]) {
        var sockets = [doorbell.awaited]
        var ranges: [UInt64: Range<Int>] = [:]
        var end = NIODeadline.now() + .seconds(60)
        for (id, entry) in running {
            let own = entry.lookup.sockets
            ranges[id] = sockets.count..<sockets.count + own.count
            sockets += own
            end = min(end, entry.nextLook)
        }
        // Rounded up: a poll that wakes a moment early would be repeated without a pause.
        let milliseconds = max(0, (end - .now()).nanoseconds / 1_000_000 + 1)
        poll(&sockets, nfds_t(sockets.count), Int32(clamping: milliseconds))
        if sockets[0].revents != 0 { doorbell.silence() }
        let now = NIODeadline.now()
        for (id, range) in ranges {
            guard let entry = running[id] else { continue }
            let own = sockets[range]
            guard entry.nextLook <= now || own.contains(where: { $0.revents != 0 }) else { continue }
            entry.lookup.process(own, at: now)
            running[id]?.nextLook = entry.lookup.nextLook(at: now)
        }
    }

    /// What needs no name server: the hosts file, and names of this machine (RFC 6761, 6.3), which must not leave it.
    private static func known(_ name: String, in hosts: HostsFile) -> [IPAddress]? {
        let listed = hosts.addresses(of: name, limit: NameLookup.maximumAddresses)
        if !listed.isEmpty { return listed }
        guard name == "localhost" || name.hasSuffix(".localhost") else { return nil }
        return [IPAddress(v4: 0x7F00_0001), IPAddress(v6: 1)]
    }

    /// A name server that closes a TCP connection while c-ares writes must not end the process.
    private static func blockBrokenPipes() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}

/// A pipe that ends a wait in poll(2).
private final class Doorbell: Sendable {
    private let reader: Int32
    private let writer: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw IOError(errnoCode: errno, reason: "pipe") }
        reader = ends[0]
        writer = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(reader)
        close(writer)
    }

    var awaited: pollfd { pollfd(fd: reader, events: Int16(truncatingIfNeeded: POLLIN), revents: 0) }

    /// A pipe that is full has rung already.
    func ring() {
        var byte: UInt8 = 0
        _ = write(writer, &byte, 1)
    }

    func silence() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while read(reader, &bytes, bytes.count) == bytes.count {}
    }
}
