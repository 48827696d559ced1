import TestSupport
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A process that a test started, with its output in files; ended by its id only, with those that it started, and always
/// reaped.
///
/// Not Foundation's `Process`: that one tells of an end through a run loop, and hands open sockets of the test down.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Equatable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)

        var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "signal \(signal)"
            }
        }
    }

    let id: pid_t
    private let outputPath: String
    private let errorPath: String
    private let ending = Mutex<Ending?>(nil)

    /// Starts `command`.
    ///
    /// - Parameters:
    ///   - command: The path of the executable.
    ///   - arguments: Without the name of the command.
    ///   - environment: All of it: nothing is inherited.
    ///   - logs: Where its output goes, `<logs>.out` and `<logs>.err`.
    ///   - input: The path of what it reads from standard input.
    /// - Throws: ``TestFailure`` when it cannot be started.
    init(
        _ command: String, _ arguments: [String], environment: [String: String], logs: String,
        input: String = "/dev/null"
    ) throws {
        outputPath = logs + ".out"
        errorPath = logs + ".err"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // What is open in the test is no business of the server; closing what is not open is not an error.
        for descriptor in 3..<1_024 { posix_spawn_file_actions_addclose(&actions, Int32(descriptor)) }
        // Signals as an operator's shell leaves them: threads of Swift block them all, Python ignores some.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        // A group of its own: `faketime` starts what it is given, and leaves it behind when it is killed.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let argumentPointers = ([command] + arguments).map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, command, &actions, &attributes, argumentPointers, environmentPointers)
        guard code == 0 else { throw TestFailure("\(command) cannot be started: \(String(cString: strerror(code)))") }
        self.id = id
    }

    /// What it wrote to standard output so far.
    var output: String { Self.read(outputPath) }

    /// What it wrote to standard error so far.
    var errors: String { Self.read(errorPath) }

    /// How it ended; nil while it runs.
    var end: Ending? {
        ending.withLock { ending in
            if ending != nil { return ending }
            var status: Int32 = 0
            guard waitpid(id, &status, WNOHANG) == id else { return nil }
            ending = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
            return ending
        }
    }

    /// Sends a signal; does nothing once the process has ended.
    func signal(_ signal: Int32) {
        // The lock keeps the process from being reaped in between, after which its id may be another's.
        if end == nil { ending.withLock { if $0 == nil { _ = kill(id, signal) } } }
    }

    /// Waits for the end.
    ///
    /// - Throws: ``TestFailure`` with what it wrote, after `limit`.
    func wait(within limit: Duration = longestWait) async throws -> Ending {
        do {
            try await until("end of process \(id)", within: limit) { end != nil }
        } catch is NeverHappened {
            throw TestFailure("process \(id) did not end within \(limit); it wrote:\n\(errors)")
        }
        return end ?? .exited(-1)
    }

    /// Ends it and those that it started without asking, and waits until it is gone.
    func killNow() {
        if end == nil { ending.withLock { if $0 == nil { _ = kill(-id, SIGKILL) } } }
        var status: Int32 = 0
        ending.withLock { ending in
            guard ending == nil, waitpid(id, &status, 0) == id else { return }
            ending = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
        }
    }

    private static func read(_ path: String) -> String {
        // A file that is not there has no text yet.
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}
